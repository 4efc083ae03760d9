# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual hosts: topology, QEMU's command, what the host is told about itself, the image."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from rich.console import Console

from lab.hosts import accelerator, vm_image
from lab.hosts.console import Reporter
from lab.hosts.container import Container
from lab.hosts.errors import LabError
from lab.hosts.instance import Instance, Paths
from lab.hosts.keys import ensure_keys
from lab.hosts.operations import Lab
from lab.hosts.topology import Driver, ExtraDisk, Hardware, Host, load_topology
from lab.hosts.virtual import VirtualMachine

TOPOLOGIES = Path(__file__).resolve().parents[3] / "lab" / "topologies"


@pytest.fixture(name="lab")
def fixture_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(accelerator, "options", lambda: accelerator.EMULATED)
    instance = Instance("unit")
    return Lab(instance, Paths(tmp_path, tmp_path / "cache", instance), Reporter(Console()))


def virtual(lab: Lab, **hardware: object) -> VirtualMachine:
    """Return a virtual host with a machine id, in place of its disk."""
    host = Host(
        name="vm1", number=61, driver=Driver.QEMU, hardware=Hardware.model_validate(hardware)
    )
    machine = lab.machine(host)
    assert isinstance(machine, VirtualMachine)
    return machine


def command(machine: VirtualMachine, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    monkeypatch.setattr(VirtualMachine, "root", folder)
    (folder / "machine-id").write_text("0123456789abcdef0123456789abcdef")
    return " ".join(machine.argv())


def test_the_driver_decides_what_a_host_is(lab: Lab) -> None:
    mirror, vm = load_topology("virtual", TOPOLOGIES).expand()
    assert isinstance(lab.machine(mirror), Container)
    assert isinstance(lab.machine(vm), VirtualMachine)
    assert vm.hardware.disks == [ExtraDisk(serial="data1", gib=4)]


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("{name: a, number: 11, hardware: {}}", "host a has hardware: that needs driver: qemu"),
        ("{name: a, number: 11, driver: kvm}", "'nspawn' or 'qemu'"),
        ("{name: a, number: 11, driver: qemu, hardware: {memory_mb: 1}}", "memory_mb"),
        (
            "{name: a, number: 11, driver: qemu, hardware: {disks: [{serial: x y, gib: 1}]}}",
            "should match pattern",
        ),
        (
            "{name: a, number: 11, driver: qemu,"
            " hardware: {disks: [{serial: x, gib: 1}, {serial: x, gib: 2}]}}",
            "serial x is there twice",
        ),
    ],
)
def test_bad_hardware_is_refused(tmp_path: Path, host: str, message: str) -> None:
    file = tmp_path / "bad.yml"
    file.write_text(f"name: bad\ndomain: example.test\nhosts: [{host}]\n")
    with pytest.raises(LabError, match=r"bad\.yml") as caught:
        load_topology(str(file), TOPOLOGIES)
    assert message in str(caught.value)


def test_disks_have_serials_and_a_link_of_the_instance(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = virtual(lab, disks=[{"serial": "7disk", "gib": 1}], memory_mib=1024)
    words = command(machine, monkeypatch, tmp_path)
    assert "drive=disk-7disk,serial=7disk" in words
    assert f"ifname={lab.instance.link('vm1')}," in words
    assert "mac=52:54:00:4d:" in words
    assert "-m 1024" in words
    assert "systemd.hostname=vm1 systemd.machine_id=0123456789abcdef0123456789abcdef" in words
    assert "blklogwrites" not in words


def test_a_volatile_cache_logs_writes_and_offers_no_discard(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = command(virtual(lab, volatile_cache=True), monkeypatch, tmp_path)
    assert "blklogwrites,node-name=root,file=root-data,log=root-log" in words
    assert "drive=root,serial=lab-root,discard=off,write-zeroes=off" in words


def test_the_configuration_disk_names_the_host_and_its_keys(lab: Lab) -> None:
    machine = virtual(lab)
    ensure_keys(lab.paths, [machine.host], "example.test")
    with tarfile.open(fileobj=io.BytesIO(machine.identity())) as archive:
        members = {member.name: member for member in archive}
        address = archive.extractfile("etc/lab-host.env")
        assert address is not None
        assert address.read().decode().startswith(f"ADDRESS={machine.address}/24\n")
    assert set(members) == {
        "etc/hostname",
        "etc/lab-host.env",
        "etc/ssh/ssh_host_ed25519_key",
        "etc/ssh/ssh_host_ed25519_key.pub",
        "root/.ssh",
        "root/.ssh/authorized_keys",
    }
    assert members["etc/ssh/ssh_host_ed25519_key"].mode == 0o600
    assert members["root/.ssh"].mode == 0o700


def test_what_a_virtual_host_cannot_do_is_said_plainly(lab: Lab) -> None:
    machine = virtual(lab)
    with pytest.raises(LabError, match=r"it is a virtual machine\. Use: lab/lab ssh vm1"):
        machine.exec_argv(["true"])
    with pytest.raises(LabError, match="virtual machine and off, so its disk is closed"):
        machine.journal_argv([])


def test_the_image_is_the_bare_host_with_its_own_kernel_side(tmp_path: Path) -> None:
    for path in ("etc/ssh", "root", "etc/systemd/system/timers.target.wants"):
        (tmp_path / path).mkdir(parents=True)
    vm_image.customize(tmp_path)
    script = (tmp_path / "usr/local/lib/lab-host/start").read_text()
    assert "/dev/disk/by-id/virtio-lab-identity" in script
    assert "cgroup" not in script
    assert "Name=host0" in (tmp_path / "etc/systemd/network/10-host0.link").read_text()
    assert (tmp_path / "etc/machine-id").read_text() == ""
    assert not (tmp_path / "etc/systemd/system/modprobe@.service").exists()


def test_the_image_is_rebuilt_for_other_sources_only() -> None:
    one = {"a": "deb http://mirror.example/debian bookworm main\n"}
    assert vm_image.cache_key(one) == vm_image.cache_key(dict(one))
    assert vm_image.cache_key(one) != vm_image.cache_key({"b": one["a"]})


def test_the_probe_sector_is_a_bootable_one() -> None:
    assert len(accelerator.BOOT_SECTOR) == 512
    assert accelerator.BOOT_SECTOR[-2:] == b"\x55\xaa"

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab writes into a host, its keys and the kernel settings."""

from __future__ import annotations

import stat
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from lab.hosts import guest, process
from lab.hosts.errors import LabError
from lab.hosts.instance import Instance, Paths
from lab.hosts.keys import ensure_keys, known_hosts_line
from lab.hosts.sysctls import EXACT, LEAST, plan_sysctls
from lab.hosts.topology import Host

NETWORK = IPv4Network("192.0.2.0/24")
HOST = Host(name="a1", number=11)


@pytest.fixture(name="root")
def fixture_root(tmp_path: Path) -> Path:
    """A directory with what Debian ships that the lab takes away."""
    for path in ("etc/ssh", "root", "etc/systemd/system/timers.target.wants"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "etc/ssh/ssh_host_rsa_key").write_text("shared by all copies")
    (tmp_path / "etc/systemd/system/timers.target.wants/apt-daily.timer").symlink_to("/nowhere")
    (tmp_path / "etc/resolv.conf").write_text("nameserver 192.0.2.53\n")
    guest.customize(tmp_path)
    return tmp_path


def test_a_bare_host_knows_no_resolver_and_no_shared_key(root: Path) -> None:
    assert (root / "etc/resolv.conf").read_text() == ""
    assert not list((root / "etc/ssh").glob("ssh_host_*"))
    assert not list((root / "etc/systemd/system/timers.target.wants").iterdir())


def test_the_lab_unit_starts_before_the_network(root: Path) -> None:
    wanted = root / "etc/systemd/system/sysinit.target.wants/lab-host.service"
    assert wanted.is_symlink()
    assert "Before=systemd-sysctl.service" in (
        root / "etc/systemd/system/lab-host.service"
    ).read_text(encoding="utf-8")
    assert (root / "usr/local/lib/lab-host/start").stat().st_mode & stat.S_IXUSR


def test_each_copy_gets_an_identity_of_its_own(root: Path) -> None:
    ids = set()
    for _copy in range(2):
        guest.personalize(root, HOST, NETWORK, IPv4Address("192.0.2.1"))
        ids.add((root / "etc/machine-id").read_text())
    assert len(ids) == 2
    assert (root / "etc/hostname").read_text() == "a1\n"
    assert (root / "etc/lab-host.env").read_text() == ("ADDRESS=192.0.2.11/24\nGATEWAY=192.0.2.1\n")


def test_keys_are_made_once_and_known_by_all_names(root: Path, tmp_path: Path) -> None:
    instance = Instance()
    paths = Paths(tmp_path / "checkout", tmp_path / "cache", instance)
    ensure_keys(paths, [HOST], "example.test")
    before = paths.known_hosts.read_text(), paths.client_key.read_text()
    ensure_keys(paths, [HOST], "example.test")
    assert (paths.known_hosts.read_text(), paths.client_key.read_text()) == before
    assert before[0].startswith("a1,a1.example.test,10.77.0.11 ssh-ed25519 ")
    assert paths.client_key.stat().st_mode & 0o077 == 0

    guest.install_keys(root, "ssh-ed25519 AAAA lab", paths.ssh / "hosts/a1/ssh_host_ed25519_key")
    assert (root / "root/.ssh/authorized_keys").read_text() == "ssh-ed25519 AAAA lab\n"
    assert (root / "etc/ssh/ssh_host_ed25519_key").stat().st_mode & 0o077 == 0


def test_known_hosts_line() -> None:
    line = known_hosts_line(HOST, "example.test", NETWORK, "ssh-ed25519 AAAA comment")
    assert line == "a1,a1.example.test,192.0.2.11 ssh-ed25519 AAAA\n"


def test_only_kernel_settings_that_differ_are_written() -> None:
    right = EXACT | LEAST
    assert plan_sysctls(right) == {}
    assert plan_sysctls(right | {"vm.overcommit_memory": 0}) == {"vm.overcommit_memory": 1}
    assert plan_sysctls(right | {"kernel.pid_max": 32768}) == {"kernel.pid_max": 4194304}
    assert plan_sysctls(right | {"kernel.keys.root_maxkeys": 10**9}) == {}
    without = {key: value for key, value in right.items() if not key.startswith("net.bridge.")}
    assert plan_sysctls(without) == {}  # this kernel has no such setting


def test_missing_programs_become_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "environment", lambda: {"PATH": str(tmp_path)})
    wanted = {name: process.PACKAGES[name] for name in ("ssh", "ssh-keygen", "nft")}
    assert process.missing_packages(wanted) == ["nftables", "openssh-client"]


def test_a_failing_program_is_named_with_its_last_lines() -> None:
    with pytest.raises(LabError, match=r"Failed \(3\): sh -c .*\n.*broken pipe dream"):
        process.run(["sh", "-c", "echo broken pipe dream >&2; exit 3"])
    with pytest.raises(LabError, match="not installed"):
        process.run(["no-such-program-here"])

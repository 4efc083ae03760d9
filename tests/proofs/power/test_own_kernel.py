"""What a shared kernel cannot show: parameters, modules, disks by serial, swap and the clock."""

from __future__ import annotations

import time

import pytest
import yaml

from tests.proofs.power import site
from tests.support.site import ROOT

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("recovered")]
DEFAULTS = yaml.safe_load((ROOT / "roles/base_os/defaults/main.yml").read_text())
SWAP = "/dev/disk/by-id/virtio-data1"
OFF_BY_SECONDS = 1800
# The machine and an emulated guest that measures over a virtual network.
CLOCK_SECONDS = 2.0


def shell(script: str) -> str:
    """Run a shell script on the virtual host and return what it printed."""
    program = f"import os\nos.execvp('sh', ['sh', '-ec', {script!r}])"
    return site.on_virtual_host(program).strip()


def clock_error() -> float:
    """Return how many seconds the host's clock is away from the machine's."""
    before = time.time()
    there = float(shell("date +%s.%N"))
    return max(before - there, there - time.time(), 0.0)


def test_every_kernel_parameter_of_base_os_is_set() -> None:
    wanted = {**DEFAULTS["base_os_network_sysctl"], **DEFAULTS["base_os_kernel_sysctl"]}
    assert len(wanted) > 10
    answers = shell("sysctl --values " + " ".join(wanted)).splitlines()
    assert dict(zip(wanted, map(int, answers), strict=True)) == wanted


def test_the_kernel_modules_of_base_os_are_loaded() -> None:
    missing = shell(
        f"for m in {' '.join(DEFAULTS['base_os_kernel_modules'])}; do"
        " test -d /sys/module/$m || echo $m; done"
    )
    assert missing == ""


def test_a_disk_has_its_serial_as_stable_id() -> None:
    assert int(shell(f"blockdev --getsize64 {SWAP}")) == 4 << 30


def test_one_run_takes_swap_away_and_puts_the_clock_right() -> None:
    """A host that comes back with a wrong clock and with swap, as from a provider's rescue."""
    shell(
        f"mkswap -q {SWAP}; echo '{SWAP} none swap sw 0 0' >>/etc/fstab; swapon {SWAP};"
        " systemctl stop chrony; rm -f /var/lib/chrony/*;"
        f" date --set=@$(($(date +%s) + {OFF_BY_SECONDS}))"
    )
    assert shell("swapon --show=NAME --noheadings") != ""
    assert clock_error() > OFF_BY_SECONDS - 600
    run = site.converge(site.inventory_of_hosts(), 1)
    assert run.returncode == 0, run.output[-6000:]
    assert shell("swapon --show=NAME --noheadings") == ""
    assert f"# disabled by biomax.platform: {SWAP}" in shell("cat /etc/fstab")
    assert clock_error() < CLOCK_SECONDS
    source = shell("chronyc -c tracking").split(",")
    assert source[1] == str(site.INSTANCE.network.network_address + 10)

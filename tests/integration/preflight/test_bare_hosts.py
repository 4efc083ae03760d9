# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight as a buyer of servers runs it: bare hosts, real faults, one page.

The last test leaves its faults on the hosts; the instance is thrown away after it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.preflight.bare import (
    CONTROL_PLANES,
    INSTANCE,
    BareSite,
    on_bare,
    plant,
    write_inventory,
)
from tests.support.site import lab

pytestmark = pytest.mark.lab
SIOCSIFMTU = 0x8922  # <linux/sockios.h>
SET_MTU = f"""
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), {SIOCSIFMTU}, struct.pack("16si12x", b"host0", 1400))
"""
# A time server whose clock is two hours ahead.
FALSE_TIME = """
import socket, struct, time
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.bind(("", 123))
while True:
    packet, sender = link.recvfrom(512)
    now = int(time.time() + 7200 + 2208988800), 0
    link.sendto(struct.pack("!BBbb3I", 0x24, 2, 6, -20, 0, 0, 0)
                + struct.pack("!2I", *now) + packet[40:48] + struct.pack("!4I", *now, *now), sender)
"""
FAULTS = {
    "light1": "mkdir -p /var/lib/etcd/member",
    "light5": "printf 'Package: chron*\\nPin: version *\\nPin-Priority: -1\\n'"
    " > /etc/apt/preferences.d/planted",
    "light6": f"python3 -c '{SET_MTU}'",
    "light7": "rm -f /etc/resolv.conf; echo nameserver SILENT > /etc/resolv.conf",
    "light8": "sed -i 's/^hosts:.*/hosts: dns files/' /etc/nsswitch.conf",
    "light10": "systemd-run --quiet python3 -m http.server 10250; sleep 2",
    "light12": "mkdir -p /var/lib/containerd"
    " && mount -t tmpfs -o size=1m tmpfs /var/lib/containerd",
    "light13": "mkdir -p /var/lib/kubelet"
    " && mount -t tmpfs -o size=2g,nr_inodes=1000 tmpfs /var/lib/kubelet",
    "light14": "mkdir -p /etc/kubernetes && touch /etc/kubernetes/admin.conf",
    "light15": "echo 0123456789abcdef0123456789abcdef > /etc/machine-id",
    "light16": "echo 0123456789abcdef0123456789abcdef > /etc/machine-id",
    "light18": "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all",
    "light20": f"systemd-run --quiet python3 -c '{FALSE_TIME}'; sleep 1",
}


@pytest.fixture(scope="module", name="bare")
def fixture_bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareSite]:
    """Twenty bare hosts and a mirror that nothing was installed on."""
    lab("--instance", INSTANCE, "up", "--topology", "light")
    status = json.loads(lab("--instance", INSTANCE, "status", "--json"))
    addresses = {row["host"]: row["address"] for row in status["hosts"]}
    yield BareSite(addresses, write_inventory(tmp_path_factory.mktemp("bare"), addresses))
    lab("--instance", INSTANCE, "down", "--purge")


def test_bare_hosts_are_silent_and_cost_one_task_each(bare: BareSite, tmp_path: Path) -> None:
    run, report = bare.preflight(tmp_path)
    assert (run.returncode, report["findings"]) == (0, []), run.output[-3000:]
    assert sorted(run.counter("executed").values()) == [1] * 20 + [2]
    assert run.counter("changed") == {}
    # The mirror is to be the time source, and does not run yet.
    assert {note["what"] for note in report["not_checked"]} == {
        f"time server {bare.addresses['mirror1']}"
    }
    probed = {host for host, numbers in report["measured"].items() if "etcd_disk_p99_ms" in numbers}
    assert probed == set(CONTROL_PLANES)
    for host in CONTROL_PLANES:
        assert on_bare(host, "find / -xdev -name '.biomax-platform-*'") == ""


def test_faults_of_many_hosts_are_on_one_page(bare: BareSite, tmp_path: Path) -> None:
    silent = bare.near(250)
    plant({host: script.replace("SILENT", silent) for host, script in FAULTS.items()})
    run, report = bare.preflight(tmp_path, time_servers=[bare.addresses["light20"], silent])
    assert run.returncode != 0
    found: dict[str, set[str]] = {}
    for item in report["findings"]:
        found.setdefault(item["id"], set()).add(item["host"])
        assert item["found"] in run.output
    others = set(bare.addresses) - {"light20"}
    assert found.pop("path/mtu") >= {"light5"}
    assert found.pop("path/silent") >= {"light17"}
    assert found == {
        "clock/no-source": {"light20"},
        "clock/source-silent": others,
        "clock/wrong": others,
        "disk/inodes": {"light13"},
        "disk/space": {"light12"},
        "leftovers/cluster": {"light14"},
        "leftovers/etcd": {"light1"},
        "machine-id/shared": {"light15", "light16"},
        "nic/mtu-differs": {"light6"},
        "packages/pinned": {"light5"},
        "ports/taken": {"light10"},
        "resolution/order": {"light8"},
        "resolution/silent": {"light7"},
    }

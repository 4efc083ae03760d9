# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done to the hosts of a running lab."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.lab_command import INSTANCE, LabCommand

pytestmark = pytest.mark.lab

A1, B1 = (str(INSTANCE.network.network_address + number) for number in (11, 12))


def test_hosts_are_bare_and_healthy(pair: LabCommand) -> None:
    assert pair("ssh", "a1", "systemctl", "is-system-running", "--wait") == "running\n"
    listed = pair("ssh", "a1", "ss", "-Hnltu").splitlines()
    assert all(line.split()[4].endswith(":22") for line in listed)
    assert len(listed) == 2  # IPv4 and IPv6
    assert pair("ssh", "a1", "cat", "/etc/resolv.conf") == ""
    for program in ("nft", "containerd", "curl", "gpg"):
        assert pair.start("ssh", "a1", "command", "-v", program).wait() != 0
    first, second = (pair("ssh", host, "cat", "/etc/machine-id") for host in ("a1", "b1"))
    assert first != second


def test_host_keys_are_checked_by_name_and_address(pair: LabCommand) -> None:
    known = Path(pair.status()["known_hosts"])
    text = known.read_text()
    names = ["a1", "a1.lab.biomax.internal", A1]
    for name in names:
        found = subprocess.run(
            ["ssh-keygen", "-F", name, "-f", known], capture_output=True, check=False
        )
        assert found.returncode == 0, name
    try:
        known.write_text(text.replace("b1,", "x1,").replace(f",{B1} ", ",192.0.2.1 "))
        assert "Host key verification failed" in pair.start("ssh", "b1", "true").communicate()[0]
    finally:
        known.write_text(text)
    assert pair("ssh", "b1", "hostname") == "b1\n"


def test_the_kernel_side_is_writable_and_the_clock_is_not(pair: LabCommand) -> None:
    pair("exec", "a1", "sh", "-ec", "for c in /sys/fs/cgroup/*/; do mkdir $c/t; rmdir $c/t; done")
    pair("exec", "a1", "sh", "-ec", "cat /proc/sys/vm/swappiness > /proc/sys/vm/swappiness")
    pair("exec", "a1", "test", "-c", "/dev/kmsg")
    assert pair.start("exec", "a1", "date", "--set=@1").wait() != 0
    assert time.time() > 1_000_000_000


def test_an_overlay_can_be_mounted_as_containerd_does(pair: LabCommand) -> None:
    script = """
        mkdir -p /var/lib/o/l /var/lib/o/u /var/lib/o/w /var/lib/o/m
        echo lower > /var/lib/o/l/file
        mount -t overlay overlay /var/lib/o/m \
          -o lowerdir=/var/lib/o/l,upperdir=/var/lib/o/u,workdir=/var/lib/o/w
        rm /var/lib/o/m/file
        umount /var/lib/o/m
        test -c /var/lib/o/u/file
        rm -r /var/lib/o
    """
    pair("exec", "a1", "sh", "-ec", script)


def test_the_disk_is_a_block_device_that_measures_can_find(pair: LabCommand) -> None:
    source = pair("exec", "a1", "findmnt", "--noheadings", "--nofsroot", "--output=SOURCE", "/")
    assert pair.start("exec", "a1", "test", "-b", source.strip()).wait() == 0


@contextmanager
def listening(address: str) -> Iterator[int]:
    """Accept TCP connections on this machine; yields the port."""
    with socket.create_server((address, 0)) as server:
        server.settimeout(0.2)
        done = threading.Event()

        def accept() -> None:
            while not done.is_set():
                try:
                    server.accept()[0].close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            done.set()
            thread.join()


def test_no_route_out(pair: LabCommand) -> None:
    before = pair.status()["refused"]
    with listening("0.0.0.0") as port:  # noqa: S104 - every address of the machine is to be tried
        gateway = str(INSTANCE.gateway)
        with socket.create_connection((gateway, port), timeout=2):
            pass  # the listener works
        assert not pair.reaches("a1", gateway, port)
        assert not pair.reaches("a1", "192.0.2.1", port)
    assert pair.status()["outside"] == ["192.0.2.1"]
    after = pair.status()["refused"]
    assert after["to_controller"] > before["to_controller"]
    assert after["to_outside"] > before["to_outside"]
    assert pair.reaches("a1", B1)
    assert pair.status()["refused"] == after  # neighbours are not counted


def test_a_name_that_a_host_asks_for_is_counted_and_listed(pair: LabCommand) -> None:
    """Asked of the controller, and of a server outside."""
    pair("egress", "--reset")
    assert pair.status()["names"] == []
    for server, name in (
        (INSTANCE.gateway, "registry.example.org"),
        ("192.0.2.53", "a.example.com"),
    ):
        resolver = f"nameserver {server}\\noptions timeout:1 attempts:1\\n"
        script = (
            f"printf '{resolver}' > /etc/resolv.conf; getent hosts {name}; : > /etc/resolv.conf"
        )
        pair.start("exec", "a1", "sh", "-c", script).wait()
    found = pair.status()
    assert found["names"] == ["a.example.com", "registry.example.org"]
    assert "192.0.2.53" in found["outside"]
    assert found["refused"]["name_queries"] >= 2
    assert "names asked: a.example.com, registry.example.org" in pair("egress", "--reset")
    again = pair.status()
    assert (again["names"], again["outside"]) == ([], [])
    assert set(again["refused"].values()) == {0}
    assert not pair.reaches("a1", "192.0.2.1", 80)
    assert pair.status()["outside"] == ["192.0.2.1"]  # the wall stands after a reset


def test_power_off_and_on(pair: LabCommand) -> None:
    neighbour = pair.host("b1")["leader"]
    pair("ssh", "a1", "sh", "-c", "'echo kept > /root/kept'")
    pod = "/sys/fs/cgroup/*/kubepods/pod1"
    pair("exec", "a1", "sh", "-c", "for c in /sys/fs/cgroup/*/; do mkdir -p $c/kubepods/pod1; done")
    assert pair.start("exec", "a1", "sh", "-c", f"ls -d {pod}").wait() == 0
    pair("power-off", "a1")
    assert pair.host("a1") == {
        "host": "a1",
        "address": A1,
        "power": "off",
        "ssh": False,
        "partitioned": False,
        "leader": None,
    }
    assert pair.host("b1")["leader"] == neighbour
    assert os.path.exists(f"/proc/{neighbour}")  # noqa: PTH110 - a bare existence check
    assert "lab power-on" in pair.fails("exec", "a1", "true")
    assert "sshd" in pair("logs", "a1", "ssh.service")  # the journal of a host that is off
    pair("power-on", "a1")
    assert pair("ssh", "a1", "cat", "/root/kept") == "kept\n"
    assert pair.start("exec", "a1", "sh", "-c", f"ls -d {pod}").wait() != 0
    assert "on already" in pair.fails("power-on", "a1")


def test_partition_and_heal(pair: LabCommand) -> None:
    assert pair.reaches("a1", B1)
    pair("partition", "a1")
    assert pair.host("a1")["partitioned"]
    assert not pair.reaches("a1", B1)
    assert not pair.reaches("b1", A1)
    assert pair("ssh", "a1", "hostname") == "a1\n"  # the controller still comes in
    pair("power-off", "a1,b1")
    pair("power-on", "a1,b1")
    assert not pair.reaches("a1", B1)  # a cut outlives a reboot
    pair("heal")
    assert pair.soon_reaches("a1", B1)
    assert pair.soon_reaches("b1", A1)
    assert "no host nobody" in pair.fails("partition", "nobody")


def test_snapshot_and_restore(pair: LabCommand) -> None:
    pair("ssh", "a1", "sh", "-c", "'echo old > /root/file'")
    leader = pair.host("a1")["leader"]
    pair("snapshot", "one")
    assert pair.host("a1")["leader"] == leader  # taken without a stop
    pair("ssh", "a1", "sh", "-c", "'echo new > /root/file; rm /root/kept; touch /root/more'")
    pair("partition", "b1")
    for _time in range(2):  # a snapshot can be used more than once
        pair("restore", "one")
        assert pair("ssh", "a1", "cat", "/root/file") == "old\n"
        assert pair.start("ssh", "a1", "test", "-e", "/root/more").wait() != 0
    assert pair.soon_reaches("a1", B1)  # restored to a whole network
    assert pair.status()["snapshots"] == ["one"]
    assert "no snapshot two. Known: one." in pair.fails("restore", "two")
    pair("forget", "one")
    assert pair.status()["snapshots"] == []
    assert "no snapshot one" in pair.fails("forget", "one")


TICKER = """
import os, time
while True:
    with open("/root/t.new", "w") as file:
        file.write(str(time.time()))
    os.replace("/root/t.new", "/root/t")
    time.sleep(0.01)
"""


def test_hosts_of_a_snapshot_stop_at_one_moment(pair: LabCommand) -> None:
    """Both hosts write down the time for ever; what is saved of them is of one moment."""
    for host in ("a1", "b1"):
        pair("exec", host, "systemd-run", "--quiet", "--unit=ticker", "python3", "-c", TICKER)
        pair("exec", host, "sh", "-c", "until test -e /root/t; do sleep 0.1; done")
    before = time.time()
    pair("snapshot", "same")
    taken = time.time()
    pair("restore", "same")
    times = [float(pair("exec", host, "cat", "/root/t")) for host in ("a1", "b1")]
    assert all(before < found < taken for found in times)
    # Freezing takes milliseconds; the rest is how long a busy machine lets a ticker wait.
    assert abs(times[0] - times[1]) < 0.5


def test_snapshots_outlive_down(pair: LabCommand) -> None:
    pair("ssh", "b1", "touch", "/root/saved")
    pair("snapshot", "kept")
    pair("down")
    pair("up", "--topology", "pair")
    assert pair.start("ssh", "b1", "test", "-e", "/root/saved").wait() != 0
    pair("restore", "kept")
    pair("ssh", "b1", "test", "-e", "/root/saved")

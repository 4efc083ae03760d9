# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about clocks, paths, cards and names: each with its fault, and with a neighbour."""

from __future__ import annotations

from typing import Any

from tests.unit.preflight.examples import ADDRESSES, answer, path
from tests.unit.preflight.scenes import Case, Scene

SITE = "(site)"
SERVING = [{"protocol": "udp", "port": 123, "program": "chronyd"}]
CLOCKS = {host: {"clock": {"low": 4.7, "high": 5.0}} for host in ADDRESSES}


def on(host: str, **changes: Any) -> Scene:
    """Return the clean site where one host says something else."""
    return Scene(facts={host: changes})


def silent(server: str = "192.0.2.10") -> dict[str, Any]:
    """Return what is known of a time server that does not answer."""
    return {"server": server, "answered": False}


def resolved(**changes: Any) -> dict[str, Any]:
    """Return what a name server answered that does not know the site."""
    return {
        "server": "192.0.2.53",
        "answered": True,
        "seconds": 0.01,
        "addresses": [],
        **changes,
    }


def named(**changes: Any) -> dict[str, Any]:
    """Return what files of a host say of names."""
    return {"names": {"hosts": {}, "order": ["files", "dns"], "servers": [], **changes}}


CASES = [
    Case(
        "clock/controller",
        Scene(facts=CLOCKS),
        SITE,
        "the controller's clock is at least 4.7 s behind time server 192.0.2.10",
        # Nobody but the controller says what time it is: then it is the hosts that are wrong.
        on("w1", clock={"low": -0.9, "high": 5.0}),
        also=("clock/skew",),
    ),
    Case(
        "clock/no-source",
        Scene(
            facts={"w1": {"time": [silent()]}, "m1": {"listeners": SERVING}},
        ),
        "w1",
        "no answer from time server 192.0.2.10 over NTP",
        # The time server is a host of the site that this very run sets up.
        on("w1", time=[silent()]),
    ),
    Case(
        "clock/skew",
        on("w1", time=[answer(offset=-1.6, delay=1.0)]),
        "w1",
        "1.6 s behind time server 192.0.2.10 (± 0.5 s)",
        on("w1", time=[answer(offset=-1.4, delay=1.0)]),
    ),
    Case(
        "clock/source-silent",
        on("w1", time=[answer(), silent("198.51.100.123")]),
        "w1",
        "no answer from time server 198.51.100.123",
        on("w1", time=[answer(), answer(server="198.51.100.123")]),
    ),
    Case(
        "clock/source-unsynchronised",
        on("w1", time=[answer(), answer(server="192.0.2.11", stratum=0, synchronised=False)]),
        "w1",
        "time server 192.0.2.11 answers that it has no time itself (stratum 0)",
        on("w1", time=[answer(stratum=10)]),
    ),
    Case(
        "clock/wrong",
        on("w1", time=[], clock={"low": 3599.8, "high": 3600.2}),
        "w1",
        "3600.0 s ahead of the controller (± 0.2 s)",
        on("w1", time=[], clock={"low": -0.8, "high": 7.0}),
    ),
    Case(
        "nic/half-duplex",
        on("w1", link={"mtu": 1500, "speed": 1000, "duplex": "half"}),
        "w1",
        "eth0 runs half duplex",
        on("w1", link={"mtu": 1500, "speed": 1000, "duplex": "unknown"}),
    ),
    Case(
        "nic/mtu-differs",
        on("w1", link={"mtu": 1450, "speed": 0, "duplex": "unknown"}, paths=[path("m1", 84, 1450)]),
        "w1",
        "MTU 1450 on eth0",
        # The mirror serves all of them and is no node.
        on("m1", link={"mtu": 1450, "speed": 0, "duplex": "unknown"}),
    ),
    Case(
        "nic/slow",
        on("w1", link={"mtu": 1500, "speed": 100, "duplex": "full"}),
        "w1",
        "eth0 runs at 100 Mbit/s",
        # A virtual card tells no speed.
        on("w1", link={"mtu": 1500, "speed": 0, "duplex": "unknown"}),
    ),
    Case(
        "path/mtu",
        on("w1", paths=[path("cp1", 84, 1280, 1400)]),
        "w1",
        "packets of 1500 bytes to cp1 (192.0.2.21) are lost, 1400 get through",
        on("w1", paths=[path("cp1", 84, 1500)]),
    ),
    Case(
        "path/silent",
        on("w1", paths=[{**path("cp1"), "through": []}]),
        "w1",
        "cp1 (192.0.2.21) does not answer an echo request",
        # A peer that does not answer the controller either is named once, as unreachable.
        Scene(facts={"w1": {"paths": [{**path("cp1"), "through": []}]}}, unreached={"cp1": "dead"}),
        near_also=("reachable/no-answer",),
    ),
    Case(
        "resolution/contradiction",
        on("w1", resolver=[resolved(addresses=["203.0.113.9"])]),
        "w1",
        "name server 192.0.2.53 says api.site.example.com is 203.0.113.9",
        on("w1", resolver=[resolved(addresses=["192.0.2.5"])]),
    ),
    Case(
        "resolution/hosts-file",
        on("w1", **named(hosts={"cp1": ["198.51.100.1"]})),
        "w1",
        "/etc/hosts says cp1 is 198.51.100.1",
        # Debian's installer writes the host's own name there.
        on("w1", **named(hosts={"w1": ["127.0.1.1"], "cp1": ["192.0.2.21"]})),
    ),
    Case(
        "resolution/order",
        on("w1", **named(order=["dns", "files"])),
        "w1",
        "/etc/nsswitch.conf: hosts: dns files",
        on("w1", **named(order=["files", "myhostname", "dns"])),
    ),
    Case(
        "resolution/silent",
        on("w1", resolver=[resolved(answered=False, seconds=1.0)]),
        "w1",
        "name server 192.0.2.53 of /etc/resolv.conf does not answer (1.0 s)",
        on("w1", resolver=[resolved()]),
    ),
]

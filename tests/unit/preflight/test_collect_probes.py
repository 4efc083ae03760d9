# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel, packages, interface, content and paths, from recorded files and over loopback."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_bundle import (
    BLOBS,
    held_by_mirror,
    image_blobs,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_kernel import (
    FEATURES,
    kernel,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_network import link
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_packages import (
    packages,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_path import (
    probe_paths,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.neighbours import neighbours
from ansible_collections.biomax.platform.plugins.module_utils.preflight.probe import Probe, Round

RELEASE = "6.1.0-40-amd64"
BUILTIN = "kernel/fs/overlayfs/overlay.ko\n"
DEPENDENCIES = (
    "kernel/net/netfilter/nf_tables.ko.xz: kernel/net/netfilter/nfnetlink.ko.xz\n"
    "kernel/drivers/net/vxlan/vxlan.ko: kernel/net/ipv4/udp_tunnel.ko\n"
    "kernel/net/netfilter/nft_ct.ko.zst:\n"
)
CONFIG = "CONFIG_VETH=y\nCONFIG_NFT_NUMGEN=m\n# CONFIG_WIREGUARD is not set\nCONFIG_VXLAN=y\n"


def write(base: Path, name: str, text: str | bytes) -> None:
    """Write a file of a made-up host."""
    path = base / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_features_of_a_distributions_kernel(tmp_path: Path) -> None:
    write(tmp_path, f"lib/modules/{RELEASE}/modules.builtin", BUILTIN)
    write(tmp_path, f"lib/modules/{RELEASE}/modules.dep", DEPENDENCIES)
    write(tmp_path, f"boot/config-{RELEASE}", CONFIG)
    write(tmp_path, "proc/modules", "nf_conntrack 200704 4 nf_nat, Live 0x0\n")
    features = kernel(tmp_path, RELEASE)["features"]
    present = {name for name, there in features.items() if there}
    assert present == {"overlay", "nf_tables", "nft_ct", "vxlan", "veth", "nf_conntrack"}
    assert {features[name] for name in set(FEATURES) - present} == {False}


def test_a_kernel_that_only_tells_its_options(tmp_path: Path) -> None:
    write(tmp_path, "proc/config.gz", gzip.compress(CONFIG.encode()))
    features = kernel(tmp_path, RELEASE)["features"]
    assert (features["veth"], features["vxlan"], features["wireguard"]) == (True, True, False)
    assert features["nft_numgen"] is None  # a module, and no module is to be seen


def test_a_host_that_tells_nothing_of_its_kernel(tmp_path: Path) -> None:
    assert set(kernel(tmp_path, RELEASE)["features"].values()) == {None}


def test_held_and_forbidden_packages(tmp_path: Path) -> None:
    write(
        tmp_path,
        "var/lib/dpkg/status",
        "Package: base-files\nEssential: yes\nStatus: install ok installed\n\n"
        "Package: runc\nStatus: hold ok installed\nVersion: 1\n\n"
        "Package: chrony\nStatus: hold ok not-installed\nPriority: optional\n\n"
        "Package: gone\nStatus: deinstall ok config-files\n\n",
    )
    write(
        tmp_path,
        "etc/apt/preferences",
        "Package: *\nPin: release n=sid\nPin-Priority: -10\n\n"
        "Explanation: no\nPackage: haproxy nginx*\nPin: version *\nPin-Priority: -1\n",
    )
    write(
        tmp_path,
        "etc/apt/preferences.d/local",
        "Package: runc\nPin: version 1.1*\nPin-Priority: 1001\n",
    )
    assert packages(tmp_path) == {
        "packages": ["base-files", "runc"],
        "held": ["chrony", "runc"],
        "pins": [
            {"package": "haproxy", "priority": -1, "file": "/etc/apt/preferences"},
            {"package": "nginx*", "priority": -1, "file": "/etc/apt/preferences"},
        ],
    }


def test_the_interface(tmp_path: Path) -> None:
    for name, text in {"mtu": "9000\n", "speed": "25000\n", "duplex": "full\n"}.items():
        write(tmp_path, f"eth0/{name}", text)
    write(tmp_path, "veth1/mtu", "1500\n")
    write(tmp_path, "veth1/speed", "-1\n")
    assert link(tmp_path, "eth0") == {"mtu": 9000, "speed": 25000, "duplex": "full"}
    assert link(tmp_path, "veth1") == {"mtu": 1500, "speed": 0, "duplex": "unknown"}
    assert link(tmp_path, "") == link(tmp_path, "eth9") == {}


def test_what_a_mirror_and_a_member_hold(tmp_path: Path) -> None:
    index = tmp_path / "index.json"
    entries = [{"sha256": "a" * 64}, {"digest": "sha256:" + "b" * 64}]
    index.write_text(json.dumps({"entries": entries}))
    assert held_by_mirror(index, "0" * 64) == ["a" * 16, "b" * 16]
    assert held_by_mirror(index, "") is None
    index.write_text("damaged")
    assert held_by_mirror(index, "0" * 64) == []
    assert held_by_mirror(tmp_path / "none", "0" * 64) is None
    write(tmp_path, f"{BLOBS}/{'c' * 64}", "")
    assert image_blobs(tmp_path) == ["c" * 16]
    assert image_blobs(tmp_path / "none") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets are for root")
def test_every_size_gets_through_loopback_and_none_to_nowhere() -> None:
    start = time.monotonic()
    peers = [
        {"name": "self", "address": "127.0.0.1"},
        {"name": "also", "address": "127.0.0.2"},
        {"name": "nobody", "address": "192.0.2.254"},
    ]
    found = {path["peer"]: path["through"] for path in probe_paths(peers, 9000)}
    assert found == {"self": [84, 9000], "also": [84, 9000], "nobody": []}
    assert time.monotonic() - start < 3


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets are for root")
def test_a_packet_that_is_too_long_is_asked_for_again_in_smaller_ones() -> None:
    (path,) = probe_paths([{"name": "self", "address": "127.0.0.1"}], 70000)
    assert path["through"] == [84, 1280, 1400, 1450, 1500, 8950]


def test_an_empty_round_asks_nobody(tmp_path: Path) -> None:
    assert Round(Probe(), tmp_path, {}).answers() == {
        "time": [],
        "resolver": [],
        "paths": [],
        "names": {"hosts": {}, "order": [], "servers": []},
    }


def test_a_round_waits_for_the_slowest_only(tmp_path: Path) -> None:
    write(tmp_path, "etc/resolv.conf", "nameserver 127.0.0.9\n")
    servers = ("127.0.0.9", "127.0.0.10", "no address")
    start = time.monotonic()
    answers = Round(Probe(time_servers=servers, resolve="a.b"), tmp_path, {}).answers()
    assert time.monotonic() - start < 5
    assert sorted(item["server"] for item in answers["time"]) == sorted(servers)
    assert [item["answered"] for item in answers["resolver"]] == [False]


DOMAINS = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b"}


@pytest.mark.parametrize(
    ("ring", "host", "expected"),
    [
        (["a1", "b1", "a2", "b2"], "a1", ["b1"]),
        (["a1", "a2", "a3", "b1"], "a1", ["a2", "b1"]),
        (["a1", "a2", "b1"], "b1", ["a1"]),
        (["a1", "a2", "a3"], "a3", ["a1"]),
        (["a1"], "a1", []),
        (["a1", "a2"], "m1", []),
    ],
)
def test_a_host_probes_the_next_and_the_next_of_another_domain(
    ring: list[str], host: str, expected: list[str]
) -> None:
    assert neighbours(ring, host, DOMAINS.__getitem__) == expected


def test_few_failure_domains_are_looked_up_whatever_the_size() -> None:
    asked: list[str] = []

    def domain(host: str) -> str:
        asked.append(host)
        return "a"

    assert neighbours([f"w{number}" for number in range(200)], "w7", domain) == ["w8"]
    assert len(asked) <= 6

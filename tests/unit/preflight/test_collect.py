# SPDX-License-Identifier: GPL-3.0-or-later
"""The collector on a made-up file tree, and on this machine."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.listeners import listeners
from ansible_collections.biomax.platform.plugins.module_utils.preflight.authority import (
    kubeconfig_authority,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect import collect
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_disks import disks
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_network import (
    local_addresses,
    networks,
)

DER = b"not a real certificate, but bytes"
PEM = (
    "-----BEGIN CERTIFICATE-----\n"
    + base64.b64encode(DER).decode()
    + "\n-----END CERTIFICATE-----\n"
)
FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.21
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
"""
IF_INET6 = """00000000000000000000000000000001 01 80 10 80       lo
fe8000000000000000fc00fffe000001 04 40 20 80     eth0
20010db8000000000000000000000021 04 40 00 82     eth0
"""
ROUTE = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0
eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0
eth0 0002F40A 150200C0 0003 0 0 0 00FFFFFF 0 0 0
"""
TCP = """  sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode
   0: 00000000:192B 00000000:0000 0A 0:0 00:0 0 0 0 101 1 x
   1: 0100007F:0016 00000000:0000 0A 0:0 00:0 0 0 0 102 1 x
   2: 150200C0:8000 0A0200C0:01BB 01 0:0 00:0 0 0 0 103 1 x
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small host: two addresses, two listeners, one of them with a process."""
    files = {
        "proc/net/fib_trie": FIB_TRIE,
        "proc/net/if_inet6": IF_INET6,
        "proc/net/route": ROUTE,
        "proc/net/tcp": TCP,
        "proc/meminfo": "MemTotal:        8167848 kB\nMemFree: 1 kB\n",
        "proc/77/comm": "kube-apiserver\n",
        "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n',
        "var/lib/dpkg/status": (
            "Package: runc\nStatus: install ok installed\nVersion: 1\n\n"
            "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
        ),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "proc/77/fd").mkdir()
    (tmp_path / "proc/77/fd/3").symlink_to("socket:[101]")
    (tmp_path / "proc/77/fd/4").symlink_to("/dev/null")
    (tmp_path / "sys/class/net/eth0").mkdir(parents=True)
    return tmp_path


def test_a_bare_host(tree: Path) -> None:
    facts = collect(["/var/lib/etcd"], str(tree))
    assert facts["os"] == {"id": "debian", "version": "12"}
    assert facts["memory_mib"] == 7976
    assert facts["packages"] == ["runc"]
    assert facts["interfaces"] == ["eth0"]
    assert facts["machine_id"] == "0123456789abcdef0123456789abcdef"
    assert (facts["managed"], facts["cluster_ca"], facts["etcd_data"]) == (False, "", False)
    assert facts["kubernetes_files"] == []
    assert (facts["systemd"], facts["cgroup"]) == (False, 1)


def test_traces_of_a_cluster(tree: Path) -> None:
    for name in ("etc/kubernetes/pki", "var/lib/etcd/member", "var/lib/biomax-platform"):
        (tree / name).mkdir(parents=True)
    (tree / "etc/kubernetes/pki/ca.crt").write_text(PEM)
    (tree / "etc/kubernetes/kubelet.conf").touch()
    facts = collect([], str(tree))
    assert (facts["managed"], facts["etcd_data"]) == (True, True)
    assert facts["cluster_ca"] == hashlib.sha256(DER).hexdigest()
    assert facts["kubernetes_files"] == ["kubelet.conf", "pki/ca.crt"]


def test_host_and_controller_name_an_authority_alike(tree: Path) -> None:
    (tree / "etc/kubernetes/pki").mkdir(parents=True)
    (tree / "etc/kubernetes/pki/ca.crt").write_text(PEM)
    data = base64.b64encode(PEM.encode()).decode()
    document = {"clusters": [{"cluster": {"certificate-authority-data": data}}]}
    assert collect([], str(tree))["cluster_ca"] == kubeconfig_authority(document)


def test_a_certificate_that_is_none_is_no_authority_of_ours(tree: Path) -> None:
    (tree / "etc/kubernetes/pki").mkdir(parents=True)
    (tree / "etc/kubernetes/pki/ca.crt").write_text("nonsense")
    assert collect([], str(tree))["cluster_ca"] == "unreadable"


def test_addresses_and_networks(tree: Path) -> None:
    net = tree / "proc/net"
    assert local_addresses(net) == ["192.0.2.21", "2001:db8::21", "fe80::fc:ff:fe00:1"]
    assert networks(net) == [
        {"interface": "eth0", "network": "192.0.2.0/24"},
        {"interface": "eth0", "network": "2001:db8::/64"},
    ]


def test_listeners_with_and_without_a_visible_process(tree: Path) -> None:
    assert listeners(tree / "proc") == [
        {"protocol": "tcp", "port": 22, "program": ""},
        {"protocol": "tcp", "port": 6443, "program": "kube-apiserver"},
    ]


def test_a_kernel_without_ipv6(tree: Path) -> None:
    (tree / "proc/net/if_inet6").unlink()
    assert local_addresses(tree / "proc/net") == ["192.0.2.21"]


def test_a_directory_that_is_not_there_counts_where_it_will_be(tree: Path) -> None:
    (entry,) = disks(["/var/lib/etcd"], tree)
    assert entry["mount"] == "/"
    assert entry["device"] == (tree / "var/lib").stat().st_dev
    free = os.statvfs(tree)
    assert abs(entry["free_mib"] - free.f_bavail * free.f_frsize // 2**20) < 1024


def test_this_machine_sees_its_own_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        name = Path("/proc/self/comm").read_text().strip()
        found = [item for item in listeners(Path("/proc")) if item["port"] == port]
    assert found == [{"protocol": "tcp", "port": port, "program": name}]

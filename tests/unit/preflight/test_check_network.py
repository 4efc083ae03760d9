# SPDX-License-Identifier: GPL-3.0-or-later
"""Each thing wrong with the pod network is found, named, and the only finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_network import (
    DEFAULTS,
    check_network,
    needs,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import ports

from tests.unit.preflight.examples import example_site

ROOT = Path(__file__).resolve().parents[3]
PEER = {"name": "rack-a", "address": "192.0.2.1", "as_number": 64601}


def calico(**site: Any) -> Any:
    return example_site(network_provider="calico", **site)


@pytest.mark.parametrize("provider", ["calico", "routed"])
def test_a_clean_site_has_no_findings(provider: str) -> None:
    assert check_network(example_site(network_provider=provider)) == []
    nftables = {"mode": "nftables", "conntrack": {"min": 0}}
    site = example_site(network_provider=provider, cluster_membership_kube_proxy=nftables)
    assert check_network(site) == []


@pytest.mark.parametrize("provider", ["calico", "routed"])
@pytest.mark.parametrize("mode", ["iptables", "ipvs", ""])
def test_kube_proxy_in_another_mode(provider: str, mode: str) -> None:
    proxy = {"mode": mode}
    site = example_site(network_provider=provider, cluster_membership_kube_proxy=proxy)
    (finding,) = check_network(site)
    assert finding.found == f"kube-proxy in mode {mode!r} with network_provider {provider}"


@pytest.mark.parametrize(
    ("site", "found", "wanted"),
    [
        (
            {"network_calico_host_mtu": 1300},
            "A host MTU of 1300 leaves pods 1250 bytes, less than 1280",
            "room for pods' packets",
        ),
        (
            {"network_calico_host_mtu": "1500"},
            "network_calico_host_mtu is '1500', no number",
            "room for pods' packets",
        ),
        (
            {"network_calico_encapsulation": "IPIP"},
            "No encapsulation 'IPIP'",
            "room for pods' packets",
        ),
        (
            {"kube_pod_subnet": "10.244.0.0/24"},
            "4 blocks of /26 in kube_pod_subnet 10.244.0.0/24",
            "12 for 6 nodes with 110 pods each",
        ),
        (
            {"kube_pod_subnet": "10.244.0.0/22", "cluster_membership_kubelet": {"maxPods": 250}},
            "16 blocks of /26 in kube_pod_subnet 10.244.0.0/22",
            "24 for 6 nodes with 250 pods each",
        ),
        ({"network_calico_block_size": 33}, "A block of /33 does not fit", "a range of addresses"),
        ({"network_calico_block_size": None}, "is None, no number", "a range of addresses"),
        (
            {
                "network_calico_encapsulation": "None",
                "host_networks": ["192.0.2.0/25", "192.0.2.128/25"],
            },
            "encapsulation None, nodes in 192.0.2.0/25, 192.0.2.128/25 and no router told",
            "network_calico_bgp_peers with the routers",
        ),
        (
            {"network_calico_bgp_peers": [PEER]},
            "network_calico_bgp_peers with encapsulation VXLAN, where no BGP runs",
            "encapsulation None, or no peers",
        ),
    ],
)
def test_what_is_wrong_with_calico(site: dict[str, Any], found: str, wanted: str) -> None:
    (finding,) = check_network(calico(**site))
    assert found in finding.found
    assert wanted in finding.wanted
    assert check_network(example_site(network_provider="routed", **site)) == []


@pytest.mark.parametrize(
    "site",
    [
        {"network_calico_encapsulation": "None"},
        {
            "network_calico_encapsulation": "None",
            "host_networks": ["192.0.2.0/25", "192.0.2.128/25"],
            "network_calico_bgp_peers": [PEER],
        },
        {"network_calico_wireguard_enabled": True, "network_calico_host_mtu": 9000},
        {"kube_pod_subnet": "10.244.0.0/21"},
    ],
)
def test_right_choices_are_silent(site: dict[str, Any]) -> None:
    assert check_network(calico(**site)) == []


def test_defaults_are_those_of_the_role() -> None:
    text = (ROOT / "roles/network/defaults/main.yml").read_text(encoding="utf-8")
    given = yaml.safe_load(text)
    assert {name: given[name] for name in DEFAULTS} == dict(DEFAULTS)


def test_ports_follow_the_choices() -> None:
    assert needs(example_site()) == [("tcp", 9911, "routed-network")]
    assert ("udp", 4789, "") in needs(calico())
    bgp = needs(calico(network_calico_encapsulation="None", network_calico_wireguard_enabled=True))
    assert ("tcp", 179, "bird") in bgp
    assert ("udp", 51820, "") in bgp
    assert ("udp", 4789, "") not in bgp


def test_a_providers_ports_are_asked_for_on_nodes_only() -> None:
    taken = {
        host: {(port.protocol, port.number) for port in ports(calico(), host)}
        for host in ("m1", "cp1", "w1")
    }
    assert ("udp", 4789) in taken["cp1"] & taken["w1"]
    assert ("udp", 4789) not in taken["m1"]

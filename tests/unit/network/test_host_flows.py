# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's flow data: complete, and every flow of it is a failsafe port or says why not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.flows import (
    NODES,
    TRANSPORTS,
    failsafe_ports,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_network import needs
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import (
    CONTROL_PLANE_PORTS,
    MIRROR_PORTS,
    NODE_PORTS,
)

from tests.unit.inventory.reading import LAB, resolved
from tests.unit.preflight.examples import example_site

ROOT = Path(__file__).resolve().parents[3]
# Nobody reaches these from another host: health and metrics of kubelet and kube-proxy, scheduler
# and controller-manager (cluster_membership_component_bind_address), health of the agents.
LOOPBACK = {10248, 10249, 10257, 10259, 9099, 9911}
# The registry is behind the mirror's URL, on loopback.
BEHIND_THE_MIRROR = {5000}


@pytest.fixture(scope="module", params=["lab", "selectel"])
def site(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Flows and what they are made of, as Ansible resolves them for a site."""
    names = ("network_host_flows", "kube_api_port", "kube_api_backend_port", "time_servers")
    inventory = ROOT / "inventories" / str(request.param)
    return resolved("mirror1", *names, source=inventory, defaults="network")


def open_ports(flows: Any, direction: str) -> set[tuple[str, int]]:
    return {(row["protocol"], row["port"]) for row in failsafe_ports(flows, direction)}


def test_every_flow_is_a_failsafe_port_or_says_what_protects_it(site: dict[str, Any]) -> None:
    flows = site["network_host_flows"]
    inbound, outbound = open_ports(flows, "inbound"), open_ports(flows, "outbound")
    assert len(flows) > 15
    for flow in flows:
        if flow["protocol"] not in TRANSPORTS:
            assert flow["instead"]
            continue
        for port in flow["ports"]:
            row = (flow["protocol"], port)
            assert flow["to"] not in NODES or row in inbound, flow["name"]
            assert flow["from"] not in NODES or row in outbound, flow["name"]
    assert [flow["name"] for flow in flows if flow["protocol"] not in TRANSPORTS] == ["vrrp"]


def test_the_ways_to_a_host_stay_open(site: dict[str, Any]) -> None:
    inbound = open_ports(site["network_host_flows"], "inbound")
    api = {("tcp", site["kube_api_port"]), ("tcp", site["kube_api_backend_port"])}
    assert {("tcp", 22), ("tcp", 2379), ("tcp", 2380), ("tcp", 10250), *api} <= inbound


def test_what_our_programs_listen_on_is_in_the_data(site: dict[str, Any]) -> None:
    inbound = open_ports(site["network_host_flows"], "inbound")
    listening = {(port.protocol, port.number) for port in (*NODE_PORTS, *CONTROL_PLANE_PORTS)}
    for encapsulation in ("VXLAN", "None"):
        chosen = example_site(
            network_provider="calico",
            network_calico_encapsulation=encapsulation,
            network_calico_wireguard_enabled=True,
        )
        listening |= {port[:2] for port in needs(chosen)}
    assert {row for row in listening if row[1] not in LOOPBACK} <= inbound


def test_the_mirror_can_be_reached(site: dict[str, Any]) -> None:
    outbound = open_ports(site["network_host_flows"], "outbound")
    served = {("tcp", port.number) for port in MIRROR_PORTS if port.number not in BEHIND_THE_MIRROR}
    assert served | {("udp", 123)} <= outbound


def test_an_ssh_port_of_the_inventory_stays_open(tmp_path: Path) -> None:
    source = Path(shutil.copytree(LAB, tmp_path / "site"))
    text = (source / "hosts.yml").read_text(encoding="utf-8")
    address = "node_address: 10.77.0.41"
    assert address in text
    moved = f"ansible_port: 2222\n              {address}"
    (source / "hosts.yml").write_text(text.replace(address, moved))
    found = resolved("mirror1", "network_host_flows", source=source, defaults="network")
    inbound = open_ports(found["network_host_flows"], "inbound")
    assert {("tcp", 22), ("tcp", 2222)} <= inbound

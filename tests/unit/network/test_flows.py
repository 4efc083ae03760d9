"""Flows that keep hosts alive, and the failsafe ports made of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.flows import (
    check_flow,
    failsafe_ports,
    ssh_ports,
    url_ports,
)

SSH: dict[str, Any] = {
    "name": "ssh",
    "from": "operators",
    "to": "nodes",
    "protocol": "tcp",
    "ports": [22],
    "why": "repair",
}


def flow(**changes: Any) -> dict[str, Any]:
    return {**SSH, **changes}


def test_the_end_at_a_node_decides_the_direction() -> None:
    flows = [
        SSH,
        flow(name="time", **{"from": "nodes"}, to="time_servers", protocol="udp", ports=[123]),
        flow(name="etcd", **{"from": "control_plane"}, to="control_plane", ports=[2380, 2379]),
    ]
    tcp = [{"protocol": "tcp", "port": port} for port in (22, 2379, 2380)]
    assert failsafe_ports(flows, "inbound") == tcp
    assert failsafe_ports(flows, "outbound") == [*tcp[1:], {"protocol": "udp", "port": 123}]


def test_the_same_port_stands_once() -> None:
    assert failsafe_ports([SSH, flow(name="other")], "inbound") == [{"protocol": "tcp", "port": 22}]
    assert failsafe_ports([], "inbound") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"to": "everybody"}, "to 'everybody' is none of"),
        ({"ports": ["22"]}, "is no list of numbers"),
        ({"ports": "22"}, "is no list of numbers"),
        ({"ports": [0]}, "is no list of numbers"),
        ({"ports": [True]}, "is no list of numbers"),
        ({"ports": []}, "names no port"),
        ({"protocol": "vrrp", "ports": []}, "no failsafe port can let 'vrrp' pass"),
        ({"port": 22}, r"unknown \['port'\]"),
    ],
)
def test_a_wrong_flow_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"Flow '?ssh'?.*{message}"):
        failsafe_ports([flow(**changes)], "inbound")


def test_a_flow_without_a_port_says_what_protects_it() -> None:
    vrrp = flow(protocol="vrrp", ports=[], instead="no host endpoint")
    assert check_flow(vrrp) == vrrp
    assert failsafe_ports([vrrp], "inbound") == []
    with pytest.raises(InputError, match="No direction 'sideways'"):
        failsafe_ports([], "sideways")


def test_ssh_ports_are_those_of_the_inventory_and_22() -> None:
    groups = {"all": ["a", "b", "c"]}
    hostvars: dict[str, Any] = {"a": {}, "b": {"ansible_port": 2222}, "c": {"ansible_port": "2200"}}
    assert ssh_ports(groups, hostvars) == [22, 2200, 2222]
    assert ssh_ports({}, {}) == [22]
    with pytest.raises(InputError, match="Host a: ansible_port 'x' is no port"):
        ssh_ports({"all": ["a"]}, {"a": {"ansible_port": "x"}})


def test_ports_of_urls() -> None:
    mirrors = [{"url": "https://m1.example.com"}, {"url": "https://m2.example.com:8443"}]
    assert url_ports(mirrors) == [443, 8443]
    with pytest.raises(InputError, match="Reading the ports"):
        url_ports([{"url": "https://m:port"}])

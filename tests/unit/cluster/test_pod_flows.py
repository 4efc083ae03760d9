"""Flows between pods: the policies made of them allow exactly what the flows say."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.pod_flows import (
    SERVICE_LABEL,
    flow_policies,
    flow_table,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

PARTIES: dict[str, dict[str, Any]] = {
    "core": {"namespace": "web"},
    "bot": {"namespace": "web", "service": "bot"},
    "store": {"namespace": "data", "service": "store"},
    "dns": {"namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
    "hosts": {"networks": ["10.0.0.0/24"]},
    "telegram": {"networks": [], "names": ["api.telegram.org"]},
}
NAMESPACES = ["web", "data"]
PORTS = [53, 443, 5432]


def flow(source: str, to: str, *ports: int, **more: Any) -> dict[str, Any]:
    return {"from": [source], "to": [to], "ports": list(ports), "why": "test", **more}


def by_name(policies: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"{p['metadata']['namespace']}/{p['metadata']['name']}": p["spec"] for p in policies}


def test_a_flow_opens_both_ends_and_everything_else_is_denied() -> None:
    found = by_name(flow_policies([flow("core", "store", 5432)], PARTIES, NAMESPACES))
    assert sorted(found) == [
        "data/default-deny",
        "data/flows-store",
        "web/default-deny",
        "web/flows-core",
    ]
    assert found["web/default-deny"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    selector = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "data"}},
        "podSelector": {"matchLabels": {SERVICE_LABEL: "store"}},
    }
    assert found["web/flows-core"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [selector], "ports": [{"port": 5432, "protocol": "TCP"}]}],
    }
    assert found["data/flows-store"]["podSelector"] == {"matchLabels": {SERVICE_LABEL: "store"}}
    assert found["data/flows-store"]["ingress"][0]["ports"] == [{"port": 5432, "protocol": "TCP"}]


def test_foreign_namespaces_get_no_policy_and_closed_destinations_no_rule() -> None:
    flows = [
        flow("core", "dns", 53, protocol="UDP"),
        flow("hosts", "store", 5432),
        flow("bot", "telegram", 443),
    ]
    found = by_name(flow_policies(flows, PARTIES, NAMESPACES))
    assert "web/flows-bot" not in found
    assert not any(name.startswith("kube-system") for name in found)
    assert found["data/flows-store"]["ingress"] == [
        {
            "from": [{"ipBlock": {"cidr": "10.0.0.0/24"}}],
            "ports": [{"port": 5432, "protocol": "TCP"}],
        }
    ]


def test_reasons_stand_on_the_policies() -> None:
    (policy,) = [
        item
        for item in flow_policies([flow("core", "store", 5432)], PARTIES, NAMESPACES)
        if item["metadata"]["name"] == "flows-core"
    ]
    assert policy["metadata"]["annotations"] == {
        "platform.biomax.ai/flows": "to store: 5432/TCP, test\n"
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"to": ["stroe"]}, "to 'stroe' is no party. Did you mean 'store'?"),
        ({"ports": [0]}, "ports .* is no list of numbers from 1 to 65535"),
        ({"ports": []}, "ports .* is no list"),
        ({"protocol": "ICMP"}, "protocol 'ICMP' is none of SCTP, TCP, UDP"),
        ({"why": ""}, "says no reason"),
        ({"port": 1}, r"unknown \['port'\]"),
        ({"from": "core"}, "from 'core' is no list of parties"),
        ({"from": ["hosts"], "to": ["telegram"]}, "no end of it is a pod"),
    ],
)
def test_a_wrong_flow_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        flow_policies([{**flow("core", "store", 5432), **changes}], PARTIES, NAMESPACES)


@pytest.mark.parametrize(
    ("party", "message"),
    [
        ({}, "has neither namespace nor networks"),
        ({"namespace": "web", "networks": []}, "has both"),
        ({"networks": ["10.0.0.1"]}, "Party odd: Expected a network"),
        ({"namespace": "web", "labels": {"a": "b"}, "service": "x"}, "service and labels"),
        ({"namespace": "web", "color": 1}, r"unknown \['color'\]"),
    ],
)
def test_a_wrong_party_is_refused(party: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        flow_policies([], {**PARTIES, "odd": party}, NAMESPACES)


def test_the_table_has_a_row_for_each_flow() -> None:
    rows = flow_table([flow("bot", "telegram", 443), flow("core", "store", 5432)], PARTIES)
    assert rows == [
        {"from": "bot", "to": "telegram (closed)", "ports": "443/TCP", "why": "test"},
        {"from": "core", "to": "store", "ports": "5432/TCP", "why": "test"},
    ]


PODS = [("web", "bot", "10.1.0.1"), ("web", "api", "10.1.0.2"), ("data", "store", "10.1.0.3")]
OUTSIDE = [("", "", "10.0.0.7"), ("", "", "192.0.2.1")]
FLOWS = st.lists(
    st.builds(
        flow,
        st.sampled_from(["core", "bot", "store", "hosts"]),
        st.sampled_from(["core", "bot", "store"]),
        st.sampled_from(PORTS),
    ),
    max_size=6,
)


@given(FLOWS)
def test_policies_allow_what_the_flows_say_and_nothing_else(flows: list[dict[str, Any]]) -> None:
    policies = flow_policies(flows, PARTIES, NAMESPACES)
    for source, target, port in product([*PODS, *OUTSIDE], PODS, PORTS):
        wanted = any(
            _is(source, PARTIES[item["from"][0]])
            and _is(target, PARTIES[item["to"][0]])
            and port in item["ports"]
            for item in flows
        )
        opened = _passes(policies, source, target, port, "ingress") and (
            not source[0] or _passes(policies, target, source, port, "egress")
        )
        assert opened == wanted, (source, target, port)


def _is(pod: tuple[str, str, str], party: dict[str, Any]) -> bool:
    """Read a party as a person would."""
    namespace, service, address = pod
    if "networks" in party:
        return not namespace and any(
            ip_address(address) in ip_network(cidr) for cidr in party["networks"]
        )
    return bool(namespace == party["namespace"] and party.get("service", service) == service)


def _passes(policies: list[dict[str, Any]], peer: Any, pod: Any, port: int, way: str) -> bool:
    """Read policies as the documentation of NetworkPolicy says."""
    for policy in policies:
        labels = policy["spec"]["podSelector"].get("matchLabels", {})
        if policy["metadata"]["namespace"] != pod[0]:
            continue
        if labels and labels != {SERVICE_LABEL: pod[1]}:
            continue
        for rule in policy["spec"].get(way, []):
            ports = [entry["port"] for entry in rule["ports"]]
            peers = rule["from" if way == "ingress" else "to"]
            if port in ports and any(_matches(entry, peer) for entry in peers):
                return True
    return False


def _matches(entry: dict[str, Any], pod: Any) -> bool:
    if "ipBlock" in entry:
        inside = ip_address(pod[2]) in ip_network(entry["ipBlock"]["cidr"])
        return inside and not pod[0]
    namespace = entry["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    labels = entry["podSelector"].get("matchLabels", {})
    return bool(namespace == pod[0]) and labels in ({}, {SERVICE_LABEL: pod[1]})

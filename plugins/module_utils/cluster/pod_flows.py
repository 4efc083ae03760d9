# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows between pods as data (who, to whom, ports, why), and the NetworkPolicies made of them.

A party is ``{namespace, service}`` (pods with the service's label), ``{namespace, labels}``,
``{namespace}`` (all its pods) or ``{networks, names}`` (addresses outside the pod network; names
are for people). Each namespace of ours denies everything; each flow opens both of its ends there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.nearest import did_you_mean
from ansible_collections.biomax.platform.plugins.module_utils.common.networks import parse_network

Party = Mapping[str, Any]
Parties = Mapping[str, Party]
Flow = Mapping[str, Any]

SERVICE_LABEL = "platform.biomax.ai/service"  # every pod of a component carries it
FLOWS_ANNOTATION = "platform.biomax.ai/flows"
_PROTOCOLS = ("SCTP", "TCP", "UDP")  # what a NetworkPolicy's port can be
_FLOW_KEYS = {"from", "to", "ports", "why"}
_PARTY_KEYS = {"namespace", "service", "labels", "networks", "names"}


def flow_policies(
    flows: Sequence[Flow], parties: Parties, namespaces: Sequence[str]
) -> list[dict[str, Any]]:
    """Make the NetworkPolicies of our namespaces.

    Args:
        flows: ``from`` and ``to`` (lists of parties), ``ports``, ``why``, and ``protocol`` if it is
            not TCP.
        parties: Parties by name.
        namespaces: The namespaces that get policies; others are only peers.

    Returns:
        One ``default-deny`` for each namespace, and one policy for each party that has flows. A
        party without networks is closed: no rule names it.

    Raises:
        InputError: A flow or a party is wrong, or names nothing that exists.
    """
    for name, party in parties.items():
        _check_party(name, party)
    for flow in flows:
        _check_flow(flow, parties)
    policies = [_policy(namespace, "default-deny", {}) for namespace in namespaces]
    for name, party in parties.items():
        if party.get("namespace") in namespaces:
            policies += _party_policies(name, flows, parties)
    return policies


def flow_table(flows: Sequence[Flow], parties: Parties) -> list[dict[str, str]]:
    """List the flows as rows of a page that people read.

    Args:
        flows: See flow_policies.
        parties: Parties by name.

    Returns:
        ``{from, to, ports, why}``, all texts, in the order of the flows.

    Raises:
        InputError: A flow is wrong.
    """
    rows = []
    for flow in flows:
        _check_flow(flow, parties)
        ends = {
            end: ", ".join(_shown(name, parties[name]) for name in flow[end])
            for end in ("from", "to")
        }
        rows.append({**ends, "ports": _ports_text(flow), "why": str(flow["why"])})
    return rows


def _party_policies(name: str, flows: Sequence[Flow], parties: Parties) -> Iterator[dict[str, Any]]:
    """Yield the policy of one party, unless it has no flow that is open."""
    rules: dict[str, list[dict[str, Any]]] = {"ingress": [], "egress": []}
    told = []
    for flow in flows:
        for own, other, way in (("to", "from", "ingress"), ("from", "to", "egress")):
            peers = [peer for item in flow[other] for peer in _peers(parties[item])]
            if name in flow[own] and peers:
                rules[way].append({other: peers, "ports": _ports(flow)})
                told.append(f"{other} {', '.join(flow[other])}: {_ports_text(flow)}, {flow['why']}")
    if told:
        policy = _policy(parties[name]["namespace"], f"flows-{name}", _selector(parties[name]))
        policy["metadata"]["annotations"] = {FLOWS_ANNOTATION: "".join(f"{x}\n" for x in told)}
        policy["spec"] |= {way: found for way, found in rules.items() if found}
        yield policy


def _policy(namespace: str, name: str, selector: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"podSelector": selector, "policyTypes": ["Ingress", "Egress"]},
    }


def _selector(party: Party) -> dict[str, Any]:
    labels = {SERVICE_LABEL: party["service"]} if "service" in party else party.get("labels", {})
    return {"matchLabels": dict(labels)} if labels else {}


def _peers(party: Party) -> list[dict[str, Any]]:
    if "networks" in party:
        return [{"ipBlock": {"cidr": str(network)}} for network in party["networks"]]
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": party["namespace"]}}
    return [{"namespaceSelector": namespace, "podSelector": _selector(party)}]


def _ports(flow: Flow) -> list[dict[str, Any]]:
    return [{"port": port, "protocol": flow.get("protocol", "TCP")} for port in flow["ports"]]


def _ports_text(flow: Flow) -> str:
    return ", ".join(f"{item['port']}/{item['protocol']}" for item in _ports(flow))


def _shown(name: str, party: Party) -> str:
    return f"{name} (closed)" if party.get("networks") == [] else name


def _check_party(name: str, party: Party) -> None:
    unknown = set(party) - _PARTY_KEYS
    if unknown:
        raise InputError(f"Party {name} has unknown {sorted(unknown)}.")
    inside, outside = "namespace" in party, "networks" in party
    if inside == outside:
        found = "both" if inside else "neither namespace nor networks"
        raise InputError(f"Party {name} has {found}; it is either pods or addresses.")
    if "service" in party and "labels" in party:
        raise InputError(f"Party {name} has service and labels; one of them chooses its pods.")
    for network in party.get("networks", ()):
        try:
            parse_network(network)
        except InputError as error:
            raise InputError(f"Party {name}: {error}") from error


def _check_flow(flow: Flow, parties: Parties) -> None:
    title = f"Flow {flow.get('from')} -> {flow.get('to')}"
    lacking, unknown = _FLOW_KEYS - set(flow), set(flow) - _FLOW_KEYS - {"protocol"}
    if lacking or unknown:
        raise InputError(f"{title} lacks {sorted(lacking)} or has unknown {sorted(unknown)}.")
    for end in ("from", "to"):
        if not isinstance(flow[end], Sequence) or isinstance(flow[end], str):
            raise InputError(f"{title}: {end} {flow[end]!r} is no list of parties.")
        for name in flow[end]:
            if name not in parties:
                raise InputError(
                    f"{title}: {end} {name!r} is no party. {did_you_mean(name, parties)}"
                )
    if not any("namespace" in parties[name] for name in (*flow["from"], *flow["to"])):
        raise InputError(f"{title}: no end of it is a pod, so no policy can say it.")
    ports = flow["ports"]
    if not isinstance(ports, Sequence) or not ports or not all(map(_is_port, ports)):
        raise InputError(f"{title}: ports {ports!r} is no list of numbers from 1 to 65535.")
    if flow.get("protocol", "TCP") not in _PROTOCOLS:
        raise InputError(
            f"{title}: protocol {flow['protocol']!r} is none of {', '.join(_PROTOCOLS)}."
        )
    if not str(flow["why"]).strip():
        raise InputError(f"{title} says no reason in `why`; an auditor will ask for it.")


def _is_port(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 65535

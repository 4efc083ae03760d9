# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdict on a whole cluster from what was read of it: pure functions on dicts.

Every check has one line in the report; a line with findings fails it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Answer of the probe on each node; a text is the reason why there is none.
Results = Mapping[str, "Mapping[str, Any] | str"]

KUBELET_SIGNER = "kubernetes.io/kubelet-serving"


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: What is promised, in words.
        passed: How many things were found as promised.
        missing: What is not, one sentence each.
    """

    name: str
    passed: int
    missing: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether something was checked and nothing is missing."""
        return not self.missing and self.passed > 0

    def line(self) -> str:
        """The check as a line of the report."""
        mark = "ok" if self.ok else "MISSING"
        told = f": {'; '.join(self.missing)}" if self.missing else ""
        return f"{mark:8}{self.name} ({self.passed}){told}"


@dataclass(frozen=True)
class Facts:
    """What was read from outside.

    Attributes:
        nodes: Live Node objects.
        requests: CertificateSigningRequests.
        results: Answer of the probe on each node; a text is the reason why there is none.
        logs: For each node an empty text when the API server could read a log from its kubelet,
            otherwise the reason.
        api: Empty when /readyz answered through the endpoint, otherwise the reason.
    """

    nodes: Sequence[Mapping[str, Any]]
    requests: Sequence[Mapping[str, Any]]
    results: Results
    logs: Mapping[str, str]
    api: str


def judge_cluster(
    facts: Facts, members: Sequence[str], absent: Collection[str] = ()
) -> list[Check]:
    """Judge the cluster.

    Args:
        facts: What was read.
        members: Names of the nodes that the inventory promises.
        absent: Names of nodes that are known to be dead and may still be listed.

    Returns:
        The checks in the order of the report.
    """
    return [
        Check("the API answers through the endpoint", int(not facts.api), _told(facts.api)),
        _nodes_ready(facts.nodes, members, absent),
        _logs(facts.logs, members),
        _certificates(facts.requests, members),
        _probes(facts.results, members),
        _dns(facts.results, members),
        _pairs(facts.results, members),
        _services(facts.results, members),
        _forbidden(facts.results, members),
    ]


def _told(reason: str) -> tuple[str, ...]:
    return (reason,) if reason else ()


def _nodes_ready(
    nodes: Iterable[Mapping[str, Any]], members: Sequence[str], absent: Collection[str]
) -> Check:
    live = {node["metadata"]["name"]: node for node in nodes}
    missing = []
    for name in members:
        conditions = live.get(name, {}).get("status", {}).get("conditions") or ()
        ready: Mapping[str, Any] = next(
            (item for item in conditions if item["type"] == "Ready"), {}
        )
        if name not in live:
            missing.append(f"{name} is not in the cluster")
        elif ready.get("status") != "True":
            missing.append(f"{name} is not Ready ({ready.get('message', 'no condition')})")
    extra = sorted(set(live) - set(members) - set(absent))
    missing += [f"{name} is in the cluster and not in the inventory" for name in extra]
    passed = sum(name in live for name in members) - sum("not Ready" in text for text in missing)
    return Check("nodes of the inventory are Ready", passed, tuple(missing))


def _logs(logs: Mapping[str, str], members: Sequence[str]) -> Check:
    missing = [
        f"{name}: {reason}" for name in members if (reason := logs.get(name, "no pod to ask"))
    ]
    return Check("the API reads logs from the kubelet", len(members) - len(missing), tuple(missing))


def _certificates(requests: Iterable[Mapping[str, Any]], members: Sequence[str]) -> Check:
    """Nodes whose newest request for a serving certificate waits; old requests are garbage."""
    newest: dict[str, Mapping[str, Any]] = {}
    for request in requests:
        spec = request["spec"]
        node = str(spec.get("username", "")).removeprefix("system:node:")
        created = request["metadata"].get("creationTimestamp", "")
        if spec.get("signerName") == KUBELET_SIGNER and node in members:
            known = newest.get(node)
            if known is None or created >= known["metadata"].get("creationTimestamp", ""):
                newest[node] = request
    missing = [
        f"{node}: request {request['metadata']['name']} is not approved"
        for node, request in sorted(newest.items())
        if "Approved" not in {item["type"] for item in _conditions(request)}
    ]
    # Requests are removed an hour after approval, so a node without one has its certificate.
    return Check(
        "kubelet serving certificates are approved", len(members) - len(missing), tuple(missing)
    )


def _conditions(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return item.get("status", {}).get("conditions") or ()


def _probes(results: Results, members: Sequence[str]) -> Check:
    missing = []
    for name in members:
        result = results.get(name, "no probe pod runs there")
        if isinstance(result, str):
            missing.append(f"{name}: {result}")
    return Check("a probe answers on every node", len(members) - len(missing), tuple(missing))


def _answers(
    results: Results, members: Sequence[str], missing: list[str]
) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Walk over the probes that answered, noting the others; their reasons stand in _probes."""
    for name in members:
        result = results.get(name, "")
        if isinstance(result, str):
            missing.append(f"{name}: not measured")
        else:
            yield name, result


def _single(title: str, key: str, results: Results, members: Sequence[str]) -> Check:
    missing: list[str] = []
    passed = 0
    for name, result in _answers(results, members, missing):
        found = result.get(key) or {}
        if found.get("ok") is True:
            passed += 1
        else:
            missing.append(f"{name}: {found.get('error') or 'no answer'}")
    return Check(title, passed, tuple(missing))


def _dns(results: Results, members: Sequence[str]) -> Check:
    return _single("DNS answers from every node", "dns", results, members)


def _services(results: Results, members: Sequence[str]) -> Check:
    return _single("a service answers from every node", "service", results, members)


def _pairs(results: Results, members: Sequence[str]) -> Check:
    missing: list[str] = []
    passed = 0
    for name, result in _answers(results, members, missing):
        peers = result.get("peers") or {}
        for peer in members:
            found = peers.get(peer) or {}
            if peer == name:
                continue
            if found.get("ok") is True:
                passed += 1
            else:
                missing.append(f"{name} to {peer}: {found.get('error') or 'peer unknown'}")
    return Check("a pod on each node reaches the pods on all others", passed, tuple(missing))


def _forbidden(results: Results, members: Sequence[str]) -> Check:
    missing: list[str] = []
    passed = 0
    for name, result in _answers(results, members, missing):
        seen = result.get("forbidden") or {}
        for peer in members:
            verdict = seen.get(peer, "unproven")
            if peer == name:
                continue
            if verdict == "refused":
                passed += 1
            else:
                missing.append(f"{name} to {peer}: {verdict}")
    return Check("a flow that no policy allows is refused", passed, tuple(missing))

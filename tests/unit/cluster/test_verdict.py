"""The verdict names everything that is missing and trusts nothing that was not seen."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.report import report_of
from ansible_collections.biomax.platform.plugins.module_utils.cluster.verdict import (
    Check,
    Facts,
    judge_cluster,
)

MEMBERS = ["cp1", "app1"]


def node(name: str, status: str = "True") -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, "message": "kubelet says so"}
    return {"metadata": {"name": name}, "status": {"conditions": [condition]}}


def probe(name: str) -> dict[str, Any]:
    peers = [peer for peer in MEMBERS if peer != name]
    return {
        "node": name,
        "dns": {"ok": True, "error": ""},
        "service": {"ok": True, "error": ""},
        "peers": {peer: {"ok": True, "error": ""} for peer in peers},
        "forbidden": dict.fromkeys(peers, "refused"),
    }


def request(name: str, node_name: str, created: str, *conditions: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "creationTimestamp": created},
        "spec": {
            "signerName": "kubernetes.io/kubelet-serving",
            "username": f"system:node:{node_name}",
        },
        "status": {"conditions": [{"type": item} for item in conditions]},
    }


def facts(**changes: Any) -> Facts:
    healthy: dict[str, Any] = {
        "nodes": [node(name) for name in MEMBERS],
        "requests": [request("old", "cp1", "1"), request("new", "cp1", "2", "Approved")],
        "results": {name: probe(name) for name in MEMBERS},
        "logs": dict.fromkeys(MEMBERS, ""),
        "api": "",
    }
    return Facts(**{**healthy, **changes})


def failing(found: Facts) -> dict[str, tuple[str, ...]]:
    return {check.name: check.missing for check in judge_cluster(found, MEMBERS) if not check.ok}


def test_a_healthy_cluster() -> None:
    assert failing(facts()) == {}
    passed = {check.name: check.passed for check in judge_cluster(facts(), MEMBERS)}
    assert passed["a pod on each node reaches the pods on all others"] == 2
    assert passed["a flow that no policy allows is refused"] == 2
    assert passed["nodes of the inventory are Ready"] == 2


def test_a_node_that_is_known_to_be_dead_may_be_listed() -> None:
    nodes = [*(node(name) for name in MEMBERS), node("dead", "Unknown")]
    assert (
        "dead is in the cluster"
        in failing(facts(nodes=nodes))["nodes of the inventory are Ready"][0]
    )
    assert all(check.ok for check in judge_cluster(facts(nodes=nodes), MEMBERS, ["dead"]))


def broken(name: str, **changes: Any) -> dict[str, Any]:
    results = copy.deepcopy({member: probe(member) for member in MEMBERS})
    results[name].update(changes)
    return {"results": results}


@pytest.mark.parametrize(
    ("changes", "name", "missing"),
    [
        ({"api": "no route"}, "the API answers", "no route"),
        ({"nodes": [node("cp1")]}, "Ready", "app1 is not in the cluster"),
        (
            {"nodes": [node("cp1"), node("app1", "Unknown")]},
            "Ready",
            "app1 is not Ready (kubelet says so)",
        ),
        (
            {"nodes": [node("cp1"), node("app1"), node("x")]},
            "Ready",
            "x is in the cluster and not in the inventory",
        ),
        ({"logs": {"cp1": ""}}, "logs", "app1: no pod to ask"),
        ({"logs": {"cp1": "", "app1": "tls"}}, "logs", "app1: tls"),
        (
            {"requests": [request("r", "app1", "1")]},
            "certificates",
            "app1: request r is not approved",
        ),
        (broken("cp1", dns={"ok": False, "error": "timeout"}), "DNS", "cp1: timeout"),
        (broken("cp1", dns=None), "DNS", "cp1: no answer"),
        (broken("app1", service={"ok": "yes"}), "service", "app1: no answer"),
        (broken("app1", peers={}), "reaches", "app1 to cp1: peer unknown"),
        (
            broken("app1", peers={"cp1": {"ok": False, "error": "refused"}}),
            "reaches",
            "app1 to cp1: refused",
        ),
        (broken("cp1", forbidden={"app1": "reachable"}), "refused", "cp1 to app1: reachable"),
        (broken("cp1", forbidden={}), "refused", "cp1 to app1: unproven"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, Any], name: str, missing: str) -> None:
    found = failing(facts(**changes))
    assert len(found) == 1
    ((check, told),) = found.items()
    assert name in check
    assert told == (missing,)


def test_a_silent_probe_fails_all_that_it_would_prove() -> None:
    found = failing(facts(results={"cp1": probe("cp1"), "app1": "probe p does not answer"}))
    assert found.pop("a probe answers on every node") == ("app1: probe p does not answer",)
    assert len(found) == 4
    assert all("app1: not measured" in told for told in found.values())


def test_nothing_checked_is_not_ok() -> None:
    assert all(not check.ok for check in judge_cluster(facts(api="x", nodes=[]), [])[:2])


def test_report() -> None:
    report = report_of([Check("a", 2), Check("b", 0, ("x",))], 1.5, {"get": 3})
    assert report["ok"] is False
    assert report["requests"] == {"get": 3, "total": 3}
    assert report["text"] == ["ok      a (2)", "MISSING b (0): x"]

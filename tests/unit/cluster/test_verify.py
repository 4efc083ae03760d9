"""Reading from outside: every refusal is a reason, and it asks until all is well or time is up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.callback.site_report import phases
from ansible_collections.biomax.platform.plugins.module_utils.cluster.report import (
    report_of,
    write_report,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.verdict import Check
from ansible_collections.biomax.platform.plugins.module_utils.cluster.verify import (
    read_facts,
    verify,
)

from tests.unit.cluster.fakes import Answer, client_of

PODS = "/api/v1/namespaces/biomax-platform/pods"


def pod(name: str, node: str, created: str = "1", **metadata: Any) -> dict[str, Any]:
    metadata |= {"name": name, "creationTimestamp": created}
    return {"metadata": metadata, "spec": {"nodeName": node} if node else {}}


def probe(node: str, peer: str) -> dict[str, Any]:
    fine = {"ok": True, "error": ""}
    return {
        "node": node,
        "dns": fine,
        "service": fine,
        "peers": {peer: fine},
        "forbidden": {peer: "refused"},
    }


def node(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def healthy() -> dict[str, Answer]:
    return {
        "/readyz": "ok",
        "/api/v1/nodes": {"items": [node("a"), node("b")]},
        "/apis/certificates.k8s.io/v1/certificatesigningrequests": {"items": None},
        PODS: {
            "items": [
                pod("pa", "a", "2"),
                pod("old", "a", "1"),
                pod("going", "b", "9", deletionTimestamp="now"),
                pod("pb", "b"),
                pod("pending", ""),
            ]
        },
        f"{PODS}/pa:8080/proxy/results": json.dumps(probe("a", "b")),
        f"{PODS}/pb:8080/proxy/results": json.dumps(probe("b", "a")),
        f"{PODS}/pa/log": "a line",
        f"{PODS}/pb/log": "",
    }


def test_a_healthy_cluster_is_read_once() -> None:
    client, paths, time = client_of(healthy())
    checks, seconds = verify(client, ["a", "b"], [], 60.0)
    assert all(check.ok for check in checks), [check.line() for check in checks]
    assert (seconds, time.now) == (0.0, 0.0)
    assert len(paths.asked) == 8
    assert f"GET {PODS}/pa:8080/proxy/results?fresh=1" in paths.asked


def test_nothing_answers() -> None:
    client, _, time = client_of({})
    checks, seconds = verify(client, ["a", "b"], [], 3.0)
    assert not any(check.ok for check in checks if "certificates" not in check.name)
    assert seconds == time.now == 3.0


def test_a_cluster_that_gets_well_in_time() -> None:
    answers = healthy()
    rounds = iter(["[]", "nonsense", json.dumps(probe("b", "a"))])
    answers[f"{PODS}/pb:8080/proxy/results"] = lambda: next(rounds)
    client, _, _ = client_of(answers)
    checks, seconds = verify(client, ["a", "b"], [], 60.0)
    assert all(check.ok for check in checks)
    assert seconds == 2.0


def test_reasons_instead_of_exceptions() -> None:
    answers = healthy()
    answers[f"{PODS}/pb:8080/proxy/results"] = "nonsense"
    del answers[f"{PODS}/pb/log"], answers["/readyz"], answers["/api/v1/nodes"]
    client, _, _ = client_of(answers)
    facts = read_facts(client)
    assert "probe pb does not answer" in str(facts.results["b"])
    assert "not found" in facts.logs["b"]
    assert "not found" in facts.api
    assert facts.nodes == []
    assert facts.logs["a"] == ""


def test_the_report_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    write_report(path, report_of([Check("a", 1)], 0.5, {"get": 2}))
    assert json.loads(path.read_text())["ok"] is True
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_phases() -> None:
    assert phases([("one", 1.0), ("two", 3.5)], 4.0) == [
        {"name": "one", "seconds": 2.5},
        {"name": "two", "seconds": 0.5},
    ]
    assert phases([], 4.0) == []

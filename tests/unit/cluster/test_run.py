"""Waiting for components: until ready, until the deadline, and not for dead nodes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import BUILTIN
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    Component,
    Ref,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.run import Run
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import (
    converge,
    predict_without_cluster,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    NotReadyError,
)

from tests.unit.cluster.fakes import Answer, Time, client_of

SET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "agent", "namespace": "ns", "generation": 1},
    "spec": {"selector": {"matchLabels": {"app": "agent"}}},
}
JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "once", "namespace": "ns"},
    "spec": {},
}
PATH = "/apis/apps/v1/namespaces/ns/daemonsets/agent"
PODS = "/api/v1/namespaces/ns/pods"


def seen(available: int, wanted: int = 2) -> dict[str, Any]:
    counts = {"desiredNumberScheduled": wanted, "updatedNumberScheduled": wanted}
    return {**SET, "status": {"observedGeneration": 1, "numberAvailable": available, **counts}}


def build(
    answers: dict[str, Answer], item: dict[str, Any] = SET, **options: Any
) -> tuple[Run, Component, Time]:
    client, _, time = client_of(answers)
    component = Component("demo", (item,))
    run = Run(client, [component], BUILTIN, Options(ready_seconds=30.0, **options))
    return run, component, time


def test_it_waits_until_ready() -> None:
    counts = iter([0, 1, 2])
    run, component, time = build({PATH: lambda: seen(next(counts))})
    run.wait(component)
    assert 0.5 < time.now < 2.0
    assert run.unready(component) == []


def test_it_gives_up_at_the_deadline_and_says_why() -> None:
    waiting = {"state": {"waiting": {"reason": "ErrImagePull"}}, "name": "c"}
    pod = {
        "metadata": {"name": "agent-x", "namespace": "ns"},
        "spec": {"nodeName": "cp1"},
        "status": {"containerStatuses": [waiting]},
    }
    event = {"involvedObject": {"name": "agent"}, "type": "Warning", "reason": "R", "message": "m"}
    run, component, time = build(
        {
            PATH: seen(1),
            PODS: {"items": [pod]},
            "/api/v1/namespaces/ns/events": {"items": [event]},
        }
    )
    with pytest.raises(NotReadyError) as caught:
        run.wait(component)
    assert time.now == pytest.approx(30.0, abs=2.0)
    assert str(caught.value) == (
        "Component demo is not ready after 30 s: DaemonSet ns/agent: 2 of 2 pods updated, 1 "
        "available [pod ns/agent-x on cp1: container c waits (ErrImagePull); agent: R: m]. "
        "Cure the cause and run again; what was applied stays."
    )


def test_a_failed_job_ends_the_wait_at_once() -> None:
    failed = {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimit"}]}
    path = "/apis/batch/v1/namespaces/ns/jobs/once"
    run, component, time = build({path: {**JOB, "status": failed}}, JOB)
    with pytest.raises(NotReadyError, match=r"it failed \(BackoffLimit\)"):
        run.wait(component)
    assert time.now < 1.0


def test_dead_nodes_are_not_waited_for() -> None:
    pods = [
        {
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {"nodeName": name},
            "status": {"conditions": [{"type": "Ready", "status": status}]},
        }
        for name, status in (("alive", "True"), ("dead", "False"))
    ]
    answers: dict[str, Answer] = {PATH: seen(1), PODS: {"items": pods}}
    run, component, _ = build(answers, absent=frozenset({"dead"}))
    run.wait(component)
    without, component, _ = build(answers)
    with pytest.raises(NotReadyError):
        without.wait(component)


def test_without_a_cluster_everything_is_created_later() -> None:
    parsed = [("demo", [SET])]
    predicted = converge(None, parsed, Options(), check=True)
    assert predicted["changed"] is True
    (row,) = predicted["plan"]
    assert row | {"declared": ""} == {
        "role": "demo",
        "kind": "DaemonSet",
        "name": "ns/agent",
        "action": "create",
        "detail": "known after form_cluster",
        "changes": True,
        "derived": True,
        "declared": "",
        "observed": {"is": "absent"},
    }
    with pytest.raises(InputError, match=r"run playbooks/form_cluster\.yml"):
        converge(None, parsed, Options(), check=False)
    assert predict_without_cluster([]) == []


def test_refs_read_well() -> None:
    assert str(Ref.of(SET)) == "DaemonSet ns/agent"
    assert str(Ref("v1", "Node", "", "cp1")) == "Node cp1"

"""Readiness of what an operator makes: which condition, which version, which nodes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import BUILTIN, Kind
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    Component,
    Ref,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.operated import (
    MADE,
    judge_operated,
    made_by,
    made_path,
    not_made,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.run import Run
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import NotReadyError

from tests.unit.cluster.fakes import Answer, Time, client_of

API = "operator.tigera.io/v1"
VERSION = "v3.31.7"
INSTALLATION: dict[str, Any] = {
    "apiVersion": API,
    "kind": "Installation",
    "metadata": {
        "name": "default",
        "generation": 3,
        "annotations": {"platform.biomax.ai/ready-version": VERSION},
    },
    "spec": {},
}
NODE = Ref("apps/v1", "DaemonSet", "calico-system", "calico-node")
TYPHA = Ref("apps/v1", "Deployment", "calico-system", "calico-typha")


def installation(ready: str = "True", version: str = VERSION, **degraded: str) -> dict[str, Any]:
    conditions: list[dict[str, Any]] = [
        {"type": "Ready", "status": ready, "observedGeneration": 3},
        {"type": "Degraded", "status": "False", **degraded},
    ]
    return {**INSTALLATION, "status": {"conditions": conditions, "calicoVersion": version}}


def status_of(name: str, available: str = "True") -> dict[str, Any]:
    condition = {"type": "Available", "status": available, "reason": "R", "message": "m"}
    metadata = {"name": name, "generation": 1}
    return {
        "apiVersion": API,
        "kind": "TigeraStatus",
        "metadata": metadata,
        "status": {"conditions": [condition]},
    }


def workload(ref: Ref, available: int, wanted: int = 3, version: str = VERSION) -> dict[str, Any]:
    counts = {
        "DaemonSet": {
            "desiredNumberScheduled": wanted,
            "updatedNumberScheduled": wanted,
            "numberAvailable": available,
        },
        "Deployment": {"updatedReplicas": wanted, "availableReplicas": available},
    }[ref.kind]
    image = f"quay.io/calico/{ref.name.removeprefix('calico-')}:{version}"
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace, "generation": 1},
        "spec": {
            "replicas": wanted,
            "selector": {"matchLabels": {"k8s-app": ref.name}},
            "template": {"spec": {"containers": [{"name": "c", "image": image}]}},
        },
        "status": {"observedGeneration": 1, **counts},
    }


def test_a_ready_installation_is_ready() -> None:
    assert judge_operated(installation()).ready


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (INSTALLATION, "the operator has not reported yet"),
        (installation(ready="False"), "condition Ready is False"),
        (
            installation(status="True", reason="InvalidConfigurationError", message="bad pool"),
            "condition Degraded is True (InvalidConfigurationError: bad pool)",
        ),
        (installation(version="v3.31.6"), "its status says version v3.31.6, wanted v3.31.7"),
        (status_of("ippools", "False"), "condition Available is False (R: m)"),
        (not_made(Ref(API, "TigeraStatus", "", "calico")), "the operator has not reported yet"),
        (not_made(NODE), "the operator has not made it yet; its log says why"),
    ],
)
def test_what_fails_is_named(live: dict[str, Any], reason: str) -> None:
    verdict = judge_operated(live)
    assert (verdict.ready, verdict.reason) == (False, reason)


def test_progress_is_told_beside_the_condition() -> None:
    live = installation(ready="False")
    live["status"]["conditions"].append(
        {"type": "Progressing", "status": "True", "reason": "X", "message": "awaiting 2 nodes"}
    )
    assert judge_operated(live).reason == (
        "condition Ready is False; Progressing (X: awaiting 2 nodes)"
    )


def test_readiness_of_an_older_specification_does_not_count() -> None:
    live = copy.deepcopy(installation())
    live["metadata"]["generation"] = 4
    assert "has not seen the newest specification" in judge_operated(live).reason


def test_a_workload_must_run_the_version() -> None:
    assert judge_operated(workload(NODE, 3), VERSION).ready
    old = judge_operated(workload(NODE, 3, version="v3.31.6"), VERSION)
    assert old.reason == "it runs quay.io/calico/node:v3.31.6, wanted v3.31.7"


def test_every_made_workload_has_a_path() -> None:
    paths = [made_path(ref) for refs in MADE.values() for ref in refs]
    assert "/apis/operator.tigera.io/v1/tigerastatuses/calico" in paths
    assert "/apis/apps/v1/namespaces/calico-system/daemonsets/calico-node" in paths
    assert made_by([INSTALLATION])[NODE] == VERSION
    assert made_by([{**INSTALLATION, "kind": "ConfigMap"}]) == {}


def build(answers: dict[str, Answer], **options: Any) -> tuple[Run, Component, Time]:
    client, _, time = client_of(answers)
    component = Component("network", (INSTALLATION,))
    kinds = {**BUILTIN, (API, "Installation"): Kind(API, "Installation", "installations", False)}
    run = Run(client, [component], kinds, Options(ready_seconds=30.0, **options))
    return run, component, time


def cluster(**changes: Any) -> dict[str, Answer]:
    """Answers of a cluster where everything is ready, some of them changed."""
    refs = {ref.name: ref for ref in MADE[(API, "Installation")]}
    made = {
        name: status_of(name) if ref.kind == "TigeraStatus" else workload(ref, 3)
        for name, ref in refs.items()
    }
    made |= {name.replace("_", "-"): value for name, value in changes.items() if name != "default"}
    answers: dict[str, Answer] = {made_path(refs[name]): made[name] for name in made}
    answers["/apis/operator.tigera.io/v1/installations/default"] = changes.get(
        "default", installation()
    )
    return answers


def test_it_waits_for_the_workloads_behind_the_resource() -> None:
    counts = iter([0, 1, 3])
    run, component, time = build(cluster(calico_node=lambda: workload(NODE, next(counts))))
    run.wait(component)
    assert time.now > 0.5
    assert run.unready(component) == []


def test_the_complaint_names_resource_condition_workload_and_pod() -> None:
    answers = cluster(
        default=installation(ready="False", status="True", reason="PodFailure", message="p"),
        calico_node=workload(NODE, 2),
    )
    pod = {
        "metadata": {"name": "calico-node-x", "namespace": "calico-system"},
        "spec": {"nodeName": "w1"},
        "status": {
            "containerStatuses": [
                {"name": "calico-node", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
            ]
        },
    }
    answers["/api/v1/namespaces/calico-system/pods"] = {"items": [pod]}
    answers["/api/v1/namespaces/calico-system/events"] = {"items": []}
    run, component, _ = build(answers)
    with pytest.raises(NotReadyError) as caught:
        run.wait(component)
    message = str(caught.value)
    assert "Installation default: condition Degraded is True (PodFailure: p)" in message
    assert "DaemonSet calico-system/calico-node: 3 of 3 pods updated, 2 available" in message
    assert "calico-node-x on w1: container calico-node waits (ImagePullBackOff)" in message


def pods_on(*nodes: str) -> dict[str, Any]:
    def pod(node: str) -> dict[str, Any]:
        metadata = {"name": f"p-{node}", "namespace": "calico-system"}
        return {"metadata": metadata, "spec": {"nodeName": node}}

    return {"items": [pod(node) for node in nodes]}


def test_dead_nodes_are_not_waited_for_and_still_the_rest_is_judged() -> None:
    answers = cluster(
        default=installation(ready="False", status="True", reason="PodFailure", message="p"),
        calico=status_of("calico", "False"),
        calico_node=workload(NODE, 2),
        calico_typha=workload(TYPHA, 2),
    )
    answers["/api/v1/namespaces/calico-system/pods"] = pods_on("w1", "w2", "w3")
    run, component, _ = build(answers, absent=frozenset({"w3"}))
    run.wait(component)
    broken = installation(status="True", reason="InvalidConfigurationError", message="bad pool")
    answers["/apis/operator.tigera.io/v1/installations/default"] = broken
    run, component, _ = build(answers, absent=frozenset({"w3"}))
    with pytest.raises(NotReadyError, match="bad pool"):
        run.wait(component)


def test_a_living_node_without_its_agent_is_waited_for_beside_a_dead_one() -> None:
    answers = cluster(calico_node=workload(NODE, 1))
    answers["/api/v1/namespaces/calico-system/pods"] = pods_on("w1", "w2", "w3")
    answers["/api/v1/namespaces/calico-system/events"] = {"items": []}
    run, component, _ = build(answers, absent=frozenset({"w3"}))
    with pytest.raises(NotReadyError, match="calico-node: 3 of 2 pods updated, 1 available"):
        run.wait(component)

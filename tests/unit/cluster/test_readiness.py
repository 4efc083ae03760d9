"""Readiness by kind, on objects as a cluster returned them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.readiness import (
    readiness,
    without_absent,
)


def build(kind: str, spec: Any = None, status: Any = None, **metadata: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": "x", "generation": 3, **metadata},
        "spec": spec or {},
        "status": status or {},
    }


def conditions(*rows: tuple[str, str]) -> dict[str, Any]:
    return {
        "conditions": [
            {"type": name, "status": status, "reason": "Because", "message": "it is so"}
            for name, status in rows
        ]
    }


SEEN = {"observedGeneration": 3}
DEPLOYED = {**SEEN, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
RUNNING = {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 3}


ROLES = {"instances": 1, "managed": {"roles": [{"name": "app"}, {"name": "audit"}]}}


def role_status(made: list[str], refused: dict[str, list[str]]) -> dict[str, Any]:
    """Status of a healthy database of which some roles are made."""
    roles = {"byStatus": {"reconciled": made, "reserved": ["postgres"]}, "cannotReconcile": refused}
    return {"readyInstances": 1, "managedRolesStatus": roles, **conditions(("Ready", "True"))}


@pytest.mark.parametrize(
    "item",
    [
        build("Deployment", {"replicas": 2}, DEPLOYED),
        build("Deployment", {"replicas": 0}, SEEN),
        build("DaemonSet", status={**SEEN, **RUNNING}),
        build("StatefulSet", {"replicas": 1}, {**SEEN, "readyReplicas": 1, "updatedReplicas": 1}),
        build(
            "StatefulSet",
            {"replicas": 1, "updateStrategy": {"type": "OnDelete"}},
            {**SEEN, "readyReplicas": 1},
        ),
        build("Job", status=conditions(("Complete", "True"))),
        build("Pod", status={"phase": "Running", **conditions(("Ready", "True"))}),
        build("Pod", status={"phase": "Succeeded"}),
        build("CustomResourceDefinition", status=conditions(("Established", "True"))),
        build("APIService", status=conditions(("Available", "True"))),
        build("Cluster", {"instances": 3}, {"readyInstances": 3, **conditions(("Ready", "True"))}),
        build("Cluster", ROLES, role_status(["app", "audit"], {})),
        build("Namespace", status={"phase": "Active"}),
        build("PersistentVolumeClaim", status={"phase": "Pending"}),
        build("ConfigMap"),
    ],
    ids=lambda item: item["kind"],
)
def test_ready(item: dict[str, Any]) -> None:
    assert readiness(item).ready


@pytest.mark.parametrize(
    ("item", "reason", "final"),
    [
        (
            build("Deployment", {"replicas": 2}, {**DEPLOYED, "observedGeneration": 2}),
            "has not seen",
            False,
        ),
        (
            build("Deployment", {"replicas": 2}, {**DEPLOYED, "availableReplicas": 1}),
            "2 of 2 replicas updated, 1 available",
            False,
        ),
        (
            build("Deployment", {"replicas": 2}, {**DEPLOYED, "replicas": 3}),
            "1 old replicas",
            False,
        ),
        (
            build("Deployment", {}, {**SEEN, **conditions(("Progressing", "False"))}),
            "condition Progressing is False (Because: it is so)",
            False,
        ),
        (
            build("Deployment", {}, {**SEEN, **conditions(("ReplicaFailure", "True"))}),
            "condition ReplicaFailure is True",
            False,
        ),
        (build("DaemonSet", status=RUNNING), "has not seen", False),
        (
            build("DaemonSet", status={**SEEN, **RUNNING, "numberAvailable": 2}),
            "3 of 3 pods updated, 2 available",
            False,
        ),
        (build("StatefulSet", {"replicas": 2}, {**SEEN, "readyReplicas": 1}), "1 ready", False),
        (build("StatefulSet", {"replicas": 2}), "has not seen", False),
        (build("Job"), "condition Complete is absent", False),
        (build("Job", status=conditions(("Failed", "True"))), "it failed (Because", True),
        (build("Pod", status={"phase": "Pending"}), "phase Pending", False),
        (build("Pod", status={"phase": "Failed", "reason": "Evicted"}), "Evicted", True),
        (build("CustomResourceDefinition"), "Established is absent", False),
        (
            build("APIService", status=conditions(("Available", "False"))),
            "Available is False",
            False,
        ),
        (build("Cluster", {"instances": 3}), "0 of 3 instances ready; not seen yet", False),
        (
            build(
                "Cluster",
                {"instances": 3},
                {"readyInstances": 2, "phase": "Failing over", **conditions(("Ready", "False"))},
            ),
            "2 of 3 instances ready; Failing over",
            False,
        ),
        (
            build("Cluster", ROLES, {"readyInstances": 1, **conditions(("Ready", "True"))}),
            "roles app, audit are not made yet",
            False,
        ),
        (
            build("Cluster", ROLES, role_status(["app"], {"audit": ["no such role x"]})),
            "roles audit are not made yet: no such role x",
            False,
        ),
        (build("Namespace", status={"phase": "Terminating"}), "Terminating", False),
        (build("PersistentVolumeClaim", status={"phase": "Lost"}), "lost", True),
        (build("ConfigMap", deletionTimestamp="2026-01-01T00:00:00Z"), "being deleted", False),
    ],
)
def test_not_ready(item: dict[str, Any], reason: str, final: bool) -> None:
    verdict = readiness(item)
    assert not verdict.ready
    assert reason in verdict.reason
    assert verdict.final is final


def pod(node: str, ready: str) -> dict[str, Any]:
    item = build("Pod", {"nodeName": node}, {"phase": "Running", **conditions(("Ready", ready))})
    item["kind"] = "Pod"
    return item


@pytest.mark.parametrize(
    ("available", "pods", "ready"),
    [
        (2, [pod("a", "True"), pod("b", "True"), pod("dead", "False")], True),
        (3, [pod("a", "True"), pod("b", "True"), pod("dead", "True")], True),
        (1, [pod("a", "True"), pod("b", "False"), pod("dead", "False")], False),
        (2, [pod("a", "True"), pod("b", "False"), pod("dead", "True")], False),
        (2, [], False),
    ],
)
def test_nobody_waits_for_a_dead_node(
    available: int, pods: list[dict[str, Any]], ready: bool
) -> None:
    item = build("DaemonSet", status={**SEEN, **RUNNING, "numberAvailable": available})
    assert without_absent(item, pods, {"dead"}).ready is ready
    assert not without_absent(build("DaemonSet", status=RUNNING), pods, {"dead"}).ready


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({"readyInstances": 2, "currentPrimary": "pg-2", "targetPrimary": "pg-2"}, True),
        ({"readyInstances": 1, "currentPrimary": "pg-2", "targetPrimary": "pg-2"}, False),
        ({"readyInstances": 2, "currentPrimary": "pg-1", "targetPrimary": "pg-1"}, False),
        ({"readyInstances": 2, "currentPrimary": "pg-2", "targetPrimary": "pending"}, False),
        ({}, False),
    ],
)
def test_a_database_that_lost_a_node_needs_a_living_primary(
    status: dict[str, Any], ready: bool
) -> None:
    pods = [pod(node, "True") for node in ("dead", "a", "b")]
    for number, item in enumerate(pods, start=1):
        item["metadata"]["name"] = f"pg-{number}"
    cluster = build("Cluster", {"instances": 3}, status)
    assert without_absent(cluster, pods, {"dead"}).ready is ready
    assert without_absent(cluster, pods, {"dead", "a", "b"}).ready

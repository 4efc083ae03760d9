# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readiness of objects: pure predicates on what the API server returned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Readiness:
    """Verdict on one object.

    Attributes:
        ready: Whether what depends on the object may start.
        reason: What is missing, in words; empty when ready.
        final: Waiting cannot help (a failed Job).
    """

    ready: bool
    reason: str = ""
    final: bool = False


READY = Readiness(True)


def condition(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Find a condition in an object's status; empty when it has none of that type."""
    for found in item.get("status", {}).get("conditions") or ():
        if found.get("type") == name:
            return dict(found)
    return {}


def told(found: Mapping[str, Any]) -> str:
    """Reason and message of a condition, as one phrase."""
    parts = [str(found[key]) for key in ("reason", "message") if found.get(key)]
    return f" ({': '.join(parts)})" if parts else ""


def _seen(item: Mapping[str, Any]) -> bool:
    """Whether the controller has looked at the newest specification."""
    generation = int(item["metadata"].get("generation", 0))
    return int(item.get("status", {}).get("observedGeneration", 0)) >= generation


def by_condition(name: str) -> Callable[[Mapping[str, Any]], Readiness]:
    """Make a predicate: ready when the condition of that type is True."""

    def predicate(item: Mapping[str, Any]) -> Readiness:
        found = condition(item, name)
        if found.get("status") == "True":
            return READY
        return Readiness(False, f"condition {name} is {found.get('status', 'absent')}{told(found)}")

    return predicate


def _deployment(item: Mapping[str, Any]) -> Readiness:
    status, wanted = item.get("status", {}), int(item["spec"].get("replicas", 1))
    if not _seen(item):
        return Readiness(False, "its controller has not seen the newest specification")
    counts = {key: int(status.get(key, 0)) for key in ("updatedReplicas", "availableReplicas")}
    if all(count >= wanted for count in counts.values()):
        old = int(status.get("replicas", 0)) - counts["updatedReplicas"]
        return READY if old <= 0 else Readiness(False, f"{old} old replicas are still there")
    for name in ("ReplicaFailure", "Progressing", "Available"):
        found = condition(item, name)
        if found and (found.get("status") == "True") == (name == "ReplicaFailure"):
            why = f"; condition {name} is {found['status']}{told(found)}"
            break
    else:
        why = ""
    return Readiness(
        False,
        f"{counts['updatedReplicas']} of {wanted} replicas updated, "
        f"{counts['availableReplicas']} available{why}",
    )


def _daemon_set(item: Mapping[str, Any]) -> Readiness:
    status = item.get("status", {})
    if not _seen(item):
        return Readiness(False, "its controller has not seen the newest specification")
    wanted = int(status.get("desiredNumberScheduled", 0))
    updated = int(status.get("updatedNumberScheduled", 0))
    available = int(status.get("numberAvailable", 0))
    if updated >= wanted and available >= wanted:
        return READY
    return Readiness(False, f"{updated} of {wanted} pods updated, {available} available")


def _stateful_set(item: Mapping[str, Any]) -> Readiness:
    status, wanted = item.get("status", {}), int(item["spec"].get("replicas", 1))
    if not _seen(item):
        return Readiness(False, "its controller has not seen the newest specification")
    ready, updated = int(status.get("readyReplicas", 0)), int(status.get("updatedReplicas", 0))
    manual = item["spec"].get("updateStrategy", {}).get("type") == "OnDelete"
    if ready >= wanted and (manual or updated >= wanted):
        return READY
    return Readiness(False, f"{updated} of {wanted} replicas updated, {ready} ready")


def _job(item: Mapping[str, Any]) -> Readiness:
    failed = condition(item, "Failed")
    if failed.get("status") == "True":
        return Readiness(False, f"it failed{told(failed)}", final=True)
    return by_condition("Complete")(item)


def _pod(item: Mapping[str, Any]) -> Readiness:
    phase = item.get("status", {}).get("phase", "unknown")
    if phase == "Succeeded":
        return READY
    if phase == "Failed":
        return Readiness(False, f"it failed{told(item['status'])}", final=True)
    verdict = by_condition("Ready")(item)
    return verdict if verdict.ready else Readiness(False, f"phase {phase}, {verdict.reason}")


def _namespace(item: Mapping[str, Any]) -> Readiness:
    phase = item.get("status", {}).get("phase", "unknown")
    return READY if phase == "Active" else Readiness(False, f"phase {phase}")


def _claim(item: Mapping[str, Any]) -> Readiness:
    phase = item.get("status", {}).get("phase", "unknown")
    return Readiness(False, "its volume is lost", final=True) if phase == "Lost" else READY


def _postgresql(item: Mapping[str, Any]) -> Readiness:
    """Judge a cluster of CloudNativePG (api/v1/cluster_types.go of 1.30.0)."""
    status, wanted = item.get("status", {}), int(item["spec"].get("instances", 1))
    ready = int(status.get("readyInstances", 0))
    if condition(item, "Ready").get("status") == "True" and ready >= wanted:
        return _roles(item)
    phase = ": ".join(str(status[key]) for key in ("phase", "phaseReason") if status.get(key))
    return Readiness(False, f"{ready} of {wanted} instances ready; {phase or 'not seen yet'}")


def _roles(item: Mapping[str, Any]) -> Readiness:
    """Judge the roles that a cluster of CloudNativePG declares: migrations grant them rights."""
    seen = item.get("status", {}).get("managedRolesStatus", {})
    made = seen.get("byStatus", {}).get("reconciled", ())
    declared = [role["name"] for role in item["spec"].get("managed", {}).get("roles", ())]
    missing = [name for name in declared if name not in made]
    if not missing:
        return READY
    why = "; ".join(text for texts in seen.get("cannotReconcile", {}).values() for text in texts)
    return Readiness(False, f"roles {', '.join(missing)} are not made yet{why and f': {why}'}")


def _postgresql_without(
    item: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], absent: Collection[str]
) -> Readiness:
    """Judge a cluster that has lost nodes: a primary that is alive, and every other instance."""
    status = item.get("status", {})
    dead = {pod["metadata"]["name"] for pod in pods if pod["spec"].get("nodeName") in absent}
    primary, wanted = status.get("currentPrimary"), int(item["spec"].get("instances", 1))
    if len(dead) >= wanted:
        return READY  # all of it is known to be dead: waiting cannot help
    if not primary or primary in dead or primary != status.get("targetPrimary"):
        return Readiness(False, f"its primary {primary} is on a dead node or about to change")
    ready = int(status.get("readyInstances", 0))
    if ready >= wanted - len(dead):
        return _roles(item)
    return Readiness(False, f"{ready} of {wanted} instances ready, {len(dead)} on dead nodes")


PREDICATES: Mapping[str, Callable[[Mapping[str, Any]], Readiness]] = {
    "Deployment": _deployment,
    "DaemonSet": _daemon_set,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "Pod": _pod,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "CustomResourceDefinition": by_condition("Established"),
    "APIService": by_condition("Available"),
    "Cluster": _postgresql,
}


def without_absent(
    item: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], absent: Collection[str]
) -> Readiness:
    """Judge a workload by its pods on nodes that are not known to be dead.

    Args:
        item: The DaemonSet, the Deployment or CloudNativePG's Cluster.
        pods: Its pods.
        absent: Names of dead nodes.

    Returns:
        The verdict: the pods on dead nodes neither count as wanted nor as there.
    """
    if item["kind"] == "Cluster":
        return _postgresql_without(item, pods, absent)
    if not _seen(item):
        return readiness(item)
    status, spec = dict(item.get("status", {})), dict(item["spec"])
    wanted = "availableReplicas" if item["kind"] == "Deployment" else "numberAvailable"
    for pod in pods:
        if pod.get("spec", {}).get("nodeName") not in absent:
            continue
        status["desiredNumberScheduled"] = int(status.get("desiredNumberScheduled", 0)) - 1
        spec["replicas"] = int(spec.get("replicas", 1)) - 1
        if by_condition("Ready")(pod).ready:
            # Its node died so lately that the cluster still counts the pod.
            status[wanted] = int(status.get(wanted, 0)) - 1
    return readiness({**item, "status": status, "spec": spec})


def readiness(item: Mapping[str, Any]) -> Readiness:
    """Judge one live object.

    Args:
        item: The object as the API server returned it.

    Returns:
        The verdict; objects of kinds that have no state of their own are ready when they exist.
    """
    if item["metadata"].get("deletionTimestamp"):
        return Readiness(False, "it is being deleted")
    predicate = PREDICATES.get(item["kind"])
    return predicate(item) if predicate else READY

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


def _condition(item: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for condition in item.get("status", {}).get("conditions") or ():
        if condition.get("type") == name:
            return dict(condition)
    return {}


def _told(condition: Mapping[str, Any]) -> str:
    """Reason and message of a condition, as one phrase."""
    parts = [str(condition[key]) for key in ("reason", "message") if condition.get(key)]
    return f" ({': '.join(parts)})" if parts else ""


def _seen(item: Mapping[str, Any]) -> bool:
    """Whether the controller has looked at the newest specification."""
    generation = int(item["metadata"].get("generation", 0))
    return int(item.get("status", {}).get("observedGeneration", 0)) >= generation


def _by_condition(name: str) -> Callable[[Mapping[str, Any]], Readiness]:
    def predicate(item: Mapping[str, Any]) -> Readiness:
        condition = _condition(item, name)
        if condition.get("status") == "True":
            return READY
        return Readiness(
            False, f"condition {name} is {condition.get('status', 'absent')}{_told(condition)}"
        )

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
        condition = _condition(item, name)
        if condition and (condition.get("status") == "True") == (name == "ReplicaFailure"):
            told = f"; condition {name} is {condition['status']}{_told(condition)}"
            break
    else:
        told = ""
    return Readiness(
        False,
        f"{counts['updatedReplicas']} of {wanted} replicas updated, "
        f"{counts['availableReplicas']} available{told}",
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
    failed = _condition(item, "Failed")
    if failed.get("status") == "True":
        return Readiness(False, f"it failed{_told(failed)}", final=True)
    return _by_condition("Complete")(item)


def _pod(item: Mapping[str, Any]) -> Readiness:
    phase = item.get("status", {}).get("phase", "unknown")
    if phase == "Succeeded":
        return READY
    if phase == "Failed":
        return Readiness(False, f"it failed{_told(item['status'])}", final=True)
    verdict = _by_condition("Ready")(item)
    return verdict if verdict.ready else Readiness(False, f"phase {phase}, {verdict.reason}")


def _namespace(item: Mapping[str, Any]) -> Readiness:
    phase = item.get("status", {}).get("phase", "unknown")
    return READY if phase == "Active" else Readiness(False, f"phase {phase}")


def _claim(item: Mapping[str, Any]) -> Readiness:
    phase = item.get("status", {}).get("phase", "unknown")
    return Readiness(False, "its volume is lost", final=True) if phase == "Lost" else READY


PREDICATES: Mapping[str, Callable[[Mapping[str, Any]], Readiness]] = {
    "Deployment": _deployment,
    "DaemonSet": _daemon_set,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "Pod": _pod,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "CustomResourceDefinition": _by_condition("Established"),
    "APIService": _by_condition("Available"),
}


def without_absent(
    item: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], absent: Collection[str]
) -> Readiness:
    """Judge a DaemonSet by its pods on nodes that are not known to be dead.

    Args:
        item: The DaemonSet.
        pods: Its pods.
        absent: Names of dead nodes.

    Returns:
        The verdict: the pods on dead nodes neither count as wanted nor as there.
    """
    if not _seen(item):
        return _daemon_set(item)
    status = dict(item.get("status", {}))
    for pod in pods:
        if pod.get("spec", {}).get("nodeName") not in absent:
            continue
        status["desiredNumberScheduled"] = int(status.get("desiredNumberScheduled", 0)) - 1
        if _by_condition("Ready")(pod).ready:
            # Its node died so lately that the cluster still counts the pod.
            status["numberAvailable"] = int(status.get("numberAvailable", 0)) - 1
    return _daemon_set({**item, "status": status})


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

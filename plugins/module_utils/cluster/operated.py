# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom resources of which an operator makes the real workloads: both must be ready.

A Pooler of CloudNativePG has a Deployment of its own name (pkg/specs/pgbouncer of 1.30.0).

Facts of tigera/operator 1.40: names of what it makes (pkg/render), the conditions of its resources
(api/v1/tigerastatus_types.go; a resource says Ready where its TigeraStatus says Available), and
``status.calicoVersion``, which it writes only when everything of that version is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import BUILTIN, Kind
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import Object, Ref
from ansible_collections.biomax.platform.plugins.module_utils.cluster.readiness import (
    READY,
    Readiness,
    by_condition,
    condition,
    readiness,
    told,
    without_absent,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.calico import (
    OPERATOR_API,
    READY_VERSION,
)

_SPACE = "calico-system"
STATUS = Kind(OPERATOR_API, "TigeraStatus", "tigerastatuses", namespaced=False)
# What the operator reports while pods are missing; with dead nodes it does so for ever.
_PODS_MISSING = ("PodFailure", "ResourceNotReady")

MADE: Mapping[tuple[str, str], tuple[Ref, ...]] = {
    (OPERATOR_API, "Installation"): (
        Ref(OPERATOR_API, "TigeraStatus", "", "ippools"),
        Ref(OPERATOR_API, "TigeraStatus", "", "calico"),
        Ref("apps/v1", "DaemonSet", _SPACE, "calico-node"),
        Ref("apps/v1", "Deployment", _SPACE, "calico-typha"),
        Ref("apps/v1", "Deployment", _SPACE, "calico-kube-controllers"),
    ),
    (OPERATOR_API, "APIServer"): (
        Ref(OPERATOR_API, "TigeraStatus", "", "apiserver"),
        Ref("apps/v1", "Deployment", _SPACE, "calico-apiserver"),
    ),
    ("postgresql.cnpg.io/v1", "Pooler"): (
        Ref("apps/v1", "Deployment", "biomax-data", "postgresql-pooler"),
    ),
}


def made_by(items: Iterable[Mapping[str, Any]]) -> dict[Ref, str]:
    """List what operators make of declared objects.

    Args:
        items: Declared objects of a component.

    Returns:
        Identities with the version that must run; an empty version means any.
    """
    return {
        ref: str((item["metadata"].get("annotations") or {}).get(READY_VERSION, ""))
        for item in items
        for ref in MADE.get((item["apiVersion"], item["kind"]), ())
    }


def made_path(ref: Ref) -> str:
    """Path of something that an operator makes."""
    kind = BUILTIN.get((ref.api_version, ref.kind), STATUS)
    return kind.object_path(ref.name, ref.namespace)


def not_made(ref: Ref) -> Object:
    """Stand in for something that the operator has not made yet."""
    metadata = {"name": ref.name, "namespace": ref.namespace} if ref.namespace else {}
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, **metadata},
    }


def judge_operated(
    live: Mapping[str, Any],
    version: str = "",
    absent: Collection[str] = (),
    pods: Sequence[Mapping[str, Any]] = (),
) -> Readiness:
    """Judge a resource of an operator, or what the operator made of it.

    Args:
        live: The live object, or what not_made() returned.
        version: Version that a workload must run; empty for any.
        absent: Names of nodes that are known to be dead.
        pods: The workload's pods; only needed with dead nodes.
    """
    if live["kind"] in ("TigeraStatus", "Installation", "APIServer"):
        return _resource(live, bool(absent))
    if "spec" not in live:
        return Readiness(False, "the operator has not made it yet; its log says why")
    verdict = without_absent(live, pods, absent) if absent else readiness(live)
    if not verdict.ready or not version:
        return verdict
    images = [item["image"] for item in live["spec"]["template"]["spec"]["containers"]]
    if any(image.endswith(f":{version}") for image in images):
        return READY
    return Readiness(False, f"it runs {', '.join(images)}, wanted {version}")


def _resource(live: Mapping[str, Any], some_absent: bool) -> Readiness:
    """Judge by conditions; with dead nodes missing pods are judged at the workloads alone."""
    if not live.get("status"):
        return Readiness(False, "the operator has not reported yet")
    degraded = condition(live, "Degraded")
    is_degraded = degraded.get("status") == "True"
    if some_absent and (not is_degraded or degraded.get("reason") in _PODS_MISSING):
        return READY
    if is_degraded:
        return Readiness(False, f"condition Degraded is True{told(degraded)}")
    name = "Available" if live["kind"] == "TigeraStatus" else "Ready"
    verdict = by_condition(name)(live)
    if verdict.ready:
        return _up_to_date(live, condition(live, name))
    progressing = condition(live, "Progressing")
    also = f"; Progressing{told(progressing)}" if progressing.get("status") == "True" else ""
    return Readiness(False, f"{verdict.reason}{also}")


def _up_to_date(live: Mapping[str, Any], ready: Mapping[str, Any]) -> Readiness:
    """Refuse the readiness of an older specification or version."""
    generation = int(live["metadata"].get("generation", 0))
    if live["kind"] != "TigeraStatus" and int(ready.get("observedGeneration", 0)) < generation:
        return Readiness(False, "the operator has not seen the newest specification")
    wanted = (live["metadata"].get("annotations") or {}).get(READY_VERSION)
    found = live["status"].get("calicoVersion", "none")
    if wanted and found != wanted:
        return Readiness(False, f"its status says version {found}, wanted {wanted}")
    return READY

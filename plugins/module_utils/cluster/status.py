# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State of a cluster on one page, read through its endpoint."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import BUILTIN
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    COMPONENT_LABEL,
    Ref,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.readiness import readiness

_WORKLOADS = (("apps/v1", "DaemonSet"), ("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"))
_STATIC = "tier=control-plane"  # kubeadm puts it on the static pods of etcd and the API


def read_status(client: KubeClient) -> dict[str, Any]:
    """Read nodes, static pods of the control plane, our workloads and the API's own checks.

    Args:
        client: Client of the cluster.

    Returns:
        ``version``, ``api`` (failed checks), ``nodes``, ``control_plane`` and ``workloads``.

    Raises:
        ClusterError: The API does not answer.
    """
    pods = client.get("/api/v1/namespaces/kube-system/pods", labelSelector=_STATIC)["items"]
    return {
        "version": client.get("/version")["gitVersion"],
        "api": _failed_checks(client),
        "nodes": [_node(item) for item in client.get("/api/v1/nodes")["items"]],
        "control_plane": [_row({**pod, "apiVersion": "v1", "kind": "Pod"}) for pod in pods or ()],
        "workloads": [row for key in _WORKLOADS for row in _workloads(client, key)],
    }


def _failed_checks(client: KubeClient) -> list[str]:
    """Checks of /readyz that fail, such as ``etcd``."""
    try:
        lines = client.text("/readyz", verbose="1").splitlines()
    except ClusterError as error:
        lines = str(error).splitlines()
    return [line.removeprefix("[-]") for line in lines if line.startswith("[-]")]


def _workloads(client: KubeClient, key: tuple[str, str]) -> list[dict[str, Any]]:
    kind = BUILTIN[key]
    items = client.get(kind.list_path(), labelSelector=COMPONENT_LABEL)["items"]
    return [_row({**item, "apiVersion": key[0], "kind": key[1]}) for item in items or ()]


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    verdict = readiness(item)
    return {"name": str(Ref.of(item)), "ready": verdict.ready, "reason": verdict.reason}


def _node(item: Mapping[str, Any]) -> dict[str, Any]:
    conditions = {row["type"]: row["status"] for row in item["status"].get("conditions") or ()}
    addresses = item["status"].get("addresses") or ()
    return {
        "name": item["metadata"]["name"],
        "ready": conditions.get("Ready") == "True",
        "schedulable": not item["spec"].get("unschedulable", False),
        "version": item["status"]["nodeInfo"]["kubeletVersion"],
        "address": next((row["address"] for row in addresses if row["type"] == "InternalIP"), ""),
        "taints": [taint["key"] for taint in item["spec"].get("taints") or ()],
    }


def days_left(end: datetime.datetime, now: datetime.datetime) -> float:
    """Days until a moment, rounded to a tenth."""
    return round((end - now).total_seconds() / 86400, 1)


def page(status: Mapping[str, Any], certificates: Mapping[str, float]) -> list[str]:
    """Lay the status out for people.

    Args:
        status: What read_status() returned.
        certificates: Days left, by what the certificate is for.

    Returns:
        The lines.
    """
    lines = [f"API {status['version']}: {_verdict(status['api'])}"]
    for node in status["nodes"]:
        words = ["Ready" if node["ready"] else "NOT READY"]
        words += [] if node["schedulable"] else ["cordoned"]
        words += node["taints"]
        lines.append(
            f"node {node['name']:12}{node['address']:16}{node['version']:10}{', '.join(words)}"
        )
    lines += [_line(row) for row in (*status["control_plane"], *status["workloads"])]
    lines += [
        f"certificate of {name}: {left:g} days left" for name, left in sorted(certificates.items())
    ]
    return lines


def _verdict(failed: Sequence[str]) -> str:
    return f"failing {'; '.join(failed)}" if failed else "all checks pass"


def _line(row: Mapping[str, Any]) -> str:
    return f"{'ready' if row['ready'] else 'NOT READY':11}{row['name']}" + (
        f": {row['reason']}" if row["reason"] else ""
    )

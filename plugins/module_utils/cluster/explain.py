# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an object that does not become ready: its pods' states and last warnings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import Ref

_SHOWN = 3  # pods and events named in a message; more would hide the first


def pods_of(client: KubeClient, item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the pods of a workload.

    Args:
        client: Client of the cluster.
        item: The live object. CloudNativePG labels the pods of a Cluster with its name.

    Returns:
        The pods; none for an object that has none of its own.

    Raises:
        ClusterError: The API did not answer.
    """
    metadata = item["metadata"]
    labels = item.get("spec", {}).get("selector", {}).get("matchLabels") or {}
    if item["kind"] == "Cluster":
        labels = {"cnpg.io/cluster": metadata["name"]}
    if not labels:
        return []
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    path = f"/api/v1/namespaces/{metadata['namespace']}/pods"
    return list(client.get(path, labelSelector=selector)["items"] or ())


def pod_troubles(pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say for each pod that is not ready why, as its status tells it.

    Args:
        pods: Pods as the API server returned them.

    Returns:
        Sentences such as ``pod a/b on cp1: container c waits (ImagePullBackOff: …)``.
    """
    troubles = []
    for pod in pods:
        status, metadata = pod.get("status", {}), pod["metadata"]
        conditions = {item["type"]: item for item in status.get("conditions") or ()}
        is_ready = conditions.get("Ready", {}).get("status") == "True"
        if is_ready or status.get("phase") == "Succeeded":
            continue
        reasons = list(_container_troubles(status))
        scheduled = conditions.get("PodScheduled", {})
        if scheduled.get("status") == "False":
            reasons.append(f"not scheduled ({scheduled.get('message', 'no reason given')})")
        node = pod.get("spec", {}).get("nodeName", "no node")
        told = ", ".join(reasons) or f"phase {status.get('phase', 'unknown')}, not ready"
        troubles.append(f"pod {metadata['namespace']}/{metadata['name']} on {node}: {told}")
    return troubles


def _container_troubles(status: Mapping[str, Any]) -> Iterable[str]:
    for key in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(key) or ():
            state = container.get("state") or {}
            for name, word in (("waiting", "waits"), ("terminated", "ended")):
                found = state.get(name)
                if found and found.get("reason") != "Completed":
                    told = ": ".join(
                        str(found[part]) for part in ("reason", "message") if found.get(part)
                    )
                    yield f"container {container['name']} {word} ({told})"


def last_warnings(events: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    """Pick the newest warning of each named object.

    Args:
        events: Events of the namespace.
        names: Names of the object and its pods.

    Returns:
        ``reason: message`` with the object's name, newest first.
    """
    wanted = set(names)
    newest: dict[str, tuple[str, str]] = {}
    for event in events:
        name = str(event.get("involvedObject", {}).get("name", ""))
        if event.get("type") != "Warning" or name not in wanted:
            continue
        when = str(event.get("lastTimestamp") or event.get("eventTime") or "")
        if when >= newest.get(name, ("", ""))[0]:
            newest[name] = (when, f"{name}: {event.get('reason')}: {event.get('message')}")
    return [text for _, text in sorted(newest.values(), reverse=True)]


def explain(client: KubeClient, item: Mapping[str, Any]) -> str:
    """Collect what the cluster knows about an object that is not ready.

    Args:
        client: Client of the cluster.
        item: The live object.

    Returns:
        A phrase for the message; empty when nothing is known. It never raises: it explains
        another failure.
    """
    ref = Ref.of(item)
    if not ref.namespace:
        return ""
    try:
        pods = pods_of(client, item)
        events = client.get(f"/api/v1/namespaces/{quote(ref.namespace)}/events")["items"]
    except ClusterError:
        return ""
    names = [ref.name, *(pod["metadata"]["name"] for pod in pods)]
    found = [*pod_troubles(pods)[:_SHOWN], *last_warnings(events, names)[:_SHOWN]]
    return "; ".join(found)

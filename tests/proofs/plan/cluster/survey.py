"""Look at every object of an API server without the engine: one list for each kind it serves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import MANAGER

# What the server keeps for itself: also the address that it chose for a service.
_PASSED_KINDS = ("Event", "Lease", "APIService", "ComponentStatus", "FlowSchema", "IPAddress")
_PASSED_GROUPS = ("metrics.k8s.io",)  # served by metrics-server, which does not run here
_NOISE = ("resourceVersion", "uid", "creationTimestamp", "generation", "selfLink", "managedFields")
# The server chooses these anew when an object is made again.
_CHOSEN = ("clusterIP", "clusterIPs", "healthCheckNodePort")
# The server counts the changes of a template there.
_COUNTED = "deprecated.daemonset.template.generation"

Items = dict[str, str]


def take(client: KubeClient) -> Items:
    """Return every object by `Kind namespace/name`, with what counts of it as text."""
    items: Items = {}
    for path, kind in _kinds(client):
        for found in client.get(path).get("items") or ():
            metadata = found["metadata"]
            space = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
            items[f"{kind} {space}{metadata['name']}"] = _told(found)
    return items


def differences(first: Items, second: Items) -> set[str]:
    """Return the objects that are not the same in both."""
    return {name for name in {*first, *second} if first.get(name) != second.get(name)}


def _kinds(client: KubeClient) -> Iterator[tuple[str, str]]:
    """Yield list path and name of each kind, in the version that the server prefers."""
    groups = client.get("/apis")["groups"]
    versions = [
        "/api/v1",
        *(
            f"/apis/{group['preferredVersion']['groupVersion']}"
            for group in groups
            if group["name"] not in _PASSED_GROUPS
        ),
    ]
    for version in versions:
        for row in client.get(version)["resources"]:
            lists = "list" in row["verbs"] and "/" not in row["name"]
            if lists and row["kind"] not in _PASSED_KINDS:
                yield f"{version}/{row['name']}", row["kind"]


def _told(found: Mapping[str, Any]) -> str:
    """Return contents, and which of them our manager applied."""
    metadata = {key: value for key, value in found["metadata"].items() if key not in _NOISE}
    annotations = metadata.get("annotations") or {}
    metadata["annotations"] = {key: annotations[key] for key in annotations if key != _COUNTED}
    kept = {key: value for key, value in found.items() if key not in ("metadata", "status")}
    if isinstance(kept.get("spec"), dict):
        kept["spec"] = {key: value for key, value in kept["spec"].items() if key not in _CHOSEN}
    if "taints" in kept.get("spec", {}):  # one that came back stands at the end
        kept["spec"]["taints"] = sorted(kept["spec"]["taints"], key=lambda taint: str(taint["key"]))
    ours = [
        entry["fieldsV1"]
        for entry in found["metadata"].get("managedFields") or ()
        if entry["manager"] == MANAGER and entry["operation"] == "Apply"
    ]
    return json.dumps({**kept, "metadata": metadata, "ours": ours}, sort_keys=True)

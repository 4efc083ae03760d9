"""Every object of a cluster as the API lists it, to see that nothing was written."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient

Objects = dict[str, dict[str, Any]]

# Left out, by plural, and why.
EXCEPT: Mapping[str, str] = {
    "events": "the cluster's own diary",
    "leases": "heartbeats of nodes and leaders",
    "componentstatuses": "asked of the components at each request, not stored",
    "nodes (metrics.k8s.io)": "measured at each request, not stored",
    "pods (metrics.k8s.io)": "measured at each request, not stored",
}
# Kinds whose objects report that they live; their resourceVersion moves with it.
_REPORTING = {"nodes": ("lastHeartbeatTime",)}


def take(client: KubeClient) -> Objects:
    """Return every object of every kind that can be listed, by group, kind, namespace and name."""
    found: Objects = {}
    for path, plural in _lists(client):
        for item in client.get(path).get("items") or []:
            meta = item["metadata"]
            name = "/".join(part for part in (meta.get("namespace"), meta["name"]) if part)
            found[f"{path.removeprefix('/')}/{name}"] = _still(plural, item)
    return found


def _lists(client: KubeClient) -> Iterator[tuple[str, str]]:
    """Yield the path that lists each kind, in the server's preferred version, and its plural."""
    versions = [("/api/v1", "")]
    for group in client.get("/apis")["groups"]:
        chosen = group["preferredVersion"]["groupVersion"]
        versions.append((f"/apis/{chosen}", f" ({group['name']})"))
    for root, group in versions:
        for kind in client.get(root)["resources"]:
            plural = kind["name"]
            left_out = plural in EXCEPT or f"{plural}{group}" in EXCEPT
            if "list" in kind["verbs"] and "/" not in plural and not left_out:
                yield f"{root}/{plural}", plural


def _still(plural: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without what moves by itself."""
    kept: dict[str, Any] = copy.deepcopy(dict(item))
    for entry in kept["metadata"].get("managedFields", []):
        entry.pop("time", None)
    for name in _REPORTING.get(plural, ()):
        kept["metadata"].pop("resourceVersion", None)
        for condition in kept.get("status", {}).get("conditions", []):
            condition.pop(name, None)
    return kept


def differences(before: Objects, after: Objects) -> list[str]:
    """Return a line for each object that came, went or changed."""
    lines = []
    for name in sorted({**before, **after}):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            lines.append(f"{name}: {'made' if old is None else 'removed'}")
        elif old != new:
            fields = ", ".join(_changed(old, new, "")) or "no field"
            lines.append(f"{name}: changed in {fields}")
    return lines


def _changed(old: Any, new: Any, place: str) -> Iterator[str]:
    """Yield the places at which two values differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({**old, **new}):
            yield from _changed(old.get(key), new.get(key), f"{place}.{key}".lstrip("."))
    elif old != new:
        yield place

"""Mutations of nodes: labels, taints and the record of what is ours."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.node_pools import (
    OWNED_ANNOTATION,
)

from tests.proofs.plan.cluster.edits import edit
from tests.proofs.plan.cluster.mutation import Act, Mutation

LABEL, TAINT, OUTSIDE = "label", "taint", "outside"
_FOREIGN = "example.org/theirs"
_ONCE = "example.org/once"


def node_mutations(name: str, pool: Mapping[str, Any]) -> Iterator[Mutation]:
    """Yield what may happen to the labels and taints of one node of a pool."""
    path = f"/api/v1/nodes/{name}"

    def made(kind: str, what: str, act: Act, action: str = "update") -> Mutation:
        leaves = kind == OUTSIDE
        return Mutation(kind, what, act, f"Node {name}", action, frozenset({name}), leaves)

    def merged(metadata: Mapping[str, Any]) -> Act:
        return lambda client: edit(client, path, {"metadata": metadata})

    for key, value in pool["labels"].items():
        yield made(LABEL, f"without {key}", merged({"labels": {key: None}}))
        yield made(LABEL, f"with another {key}", merged({"labels": {key: f"{value}-moved"}}))
    yield made(LABEL, "without the record", merged({"annotations": {OWNED_ANNOTATION: None}}))
    yield made(LABEL, "with a label that we gave once", lambda client: _once(client, path))
    for taint in pool["taints"]:
        without = _tainter(path, taint["key"], None)
        moved = _tainter(path, taint["key"], {**taint, "value": "moved"})
        yield made(TAINT, f"without {taint['key']}", without)
        yield made(TAINT, f"with another value of {taint['key']}", moved)
    theirs = str(time.monotonic_ns())  # never the value that it has already
    foreign = {"key": _FOREIGN, "effect": "NoSchedule", "value": theirs}
    yield made(OUTSIDE, "with a taint of somebody", _tainter(path, _FOREIGN, foreign), "")
    yield made(OUTSIDE, "with a label of somebody", merged({"labels": {_FOREIGN: theirs}}), "")


def _tainter(path: str, key: str, taint: Mapping[str, Any] | None) -> Act:
    """Return what replaces the taint `key`, or takes it away."""

    def act(client: KubeClient) -> None:
        found = client.get(path)["spec"].get("taints") or []
        kept = [item for item in found if item["key"] != key]
        edit(client, path, {"spec": {"taints": [*kept, *([dict(taint)] if taint else [])]}})

    return act


def _once(client: KubeClient, path: str) -> None:
    """Leave a label and a taint that an earlier declaration gave, with their record."""
    found = client.get(path)
    record = json.loads(found["metadata"]["annotations"][OWNED_ANNOTATION])
    record["labels"] = sorted({*record["labels"], _ONCE})
    record["taints"] = sorted({*record["taints"], f"{_ONCE}:NoSchedule"})
    taints = [*(found["spec"].get("taints") or []), {"key": _ONCE, "effect": "NoSchedule"}]
    metadata = {
        "labels": {_ONCE: "ours"},
        "annotations": {
            OWNED_ANNOTATION: json.dumps(record, sort_keys=True, separators=(",", ":"))
        },
    }
    edit(client, path, {"metadata": metadata, "spec": {"taints": taints}})

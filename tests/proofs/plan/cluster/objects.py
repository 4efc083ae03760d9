"""Mutations of the platform's objects: each object in every way that it allows."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    COMPONENT_LABEL,
    Ref,
)

from tests.proofs.plan.cluster.edits import create, edit, remove
from tests.proofs.plan.cluster.leaves import changed, leaves, patch_of, value_at
from tests.proofs.plan.cluster.mutation import Act, Mutation

OBJECT, OUTSIDE = "object", "outside"
# Their removal takes other objects along, which no controller of this server would finish.
_KEPT = ("Namespace", "CustomResourceDefinition")
_TRIES = 40


@dataclass(frozen=True)
class Declared:
    """An object as it is applied: its component, its declaration with the label, its path."""

    component: str
    item: Mapping[str, Any]
    path: str

    @property
    def name(self) -> str:
        """The object as `Kind namespace/name`."""
        return str(Ref.of(self.item))


def object_mutations(declared: Declared, choice: random.Random) -> Iterator[Mutation]:
    """Yield what may happen to one object; `choice` picks the value that is changed."""

    def made(
        what: str, act: Act, action: str, kind: str = OBJECT, leaves_it: bool = False
    ) -> Mutation:
        claims = frozenset({declared.name})
        return Mutation(kind, what, act, declared.name, action, claims, leaves_it)

    path, seed = declared.path, choice.random()
    if declared.item["kind"] not in _KEPT:
        yield made("deleted", lambda client: remove(client, path), "create")
        yield made("made anew by somebody", lambda client: _remade(client, declared), "update")
    yield made("edited", _value_changer(declared, seed), "update")
    yield made("edited elsewhere", _value_changer(declared, 1 - seed), "update")
    label = {"metadata": {"labels": {COMPONENT_LABEL: None}}}
    yield made("without our label", lambda client: edit(client, path, label), "update")
    labelled = {"metadata": {"labels": {COMPONENT_LABEL: "somebody"}}}
    yield made(
        "with another component's label", lambda client: edit(client, path, labelled), "update"
    )
    disowned: dict[str, Any] = {"metadata": {"managedFields": [{}]}}
    yield made("without any owner", lambda client: edit(client, path, disowned), "own")
    yield made(
        "with a field that we declared once", lambda client: _once(client, declared), "update"
    )
    note = {"metadata": {"annotations": {"example.org/note": str(time.monotonic_ns())}}}
    yield made(
        "with a note of somebody", lambda client: edit(client, path, note), "", OUTSIDE, True
    )


def _remade(client: KubeClient, declared: Declared) -> None:
    """Delete it; somebody makes another one of the same name."""
    item = {key: value for key, value in declared.item.items() if key != "metadata"}
    metadata = {
        key: declared.item["metadata"][key]
        for key in ("name", "namespace")
        if key in declared.item["metadata"]
    }
    remove(client, declared.path)
    create(client, declared.path, {**item, "metadata": metadata})


def _once(client: KubeClient, declared: Declared) -> None:
    """Apply it as we do, with an annotation that the declaration does not have any more."""
    metadata = declared.item["metadata"]
    annotations = {**(metadata.get("annotations") or {}), "example.org/once": "declared"}
    item = {**declared.item, "metadata": {**metadata, "annotations": annotations}}
    client.apply(declared.path, item)


def _value_changer(declared: Declared, seed: float) -> Callable[[KubeClient], None]:
    """Return what changes one value that the server lets somebody change."""

    def act(client: KubeClient) -> None:
        choice = random.Random(seed)  # noqa: S311 - draws of a test, not secrets
        paths = leaves(declared.item)
        for place in choice.sample(paths, min(_TRIES, len(paths))):
            live = client.get(declared.path)
            try:
                patch = patch_of(live, place, changed(value_at(live, place)))
                after = edit(client, declared.path, patch, dry_run=True)
                if value_at(after, place) == value_at(live, place):
                    continue
                edit(client, declared.path, patch)
            except (ClusterError, LookupError, TypeError):
                continue  # the server refuses that value, or it is no longer there
            return
        raise AssertionError(f"the server lets nobody change anything in {declared.name}")

    return act


def stray_mutations(number: int, component: str) -> Iterator[Mutation]:
    """Yield objects that were declared once, and objects of others; `number` makes names unique."""
    for kind, plural in (
        ("ConfigMap", "configmaps"),
        ("Secret", "secrets"),
        ("ServiceAccount", "serviceaccounts"),
    ):
        name = f"once-{plural}-{number}"
        path = f"/api/v1/namespaces/kube-system/{plural}/{name}"
        item = {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {
                "name": name,
                "namespace": "kube-system",
                "labels": {COMPONENT_LABEL: component},
            },
        }
        full, claims = f"{kind} kube-system/{name}", frozenset({name})
        ours, theirs = partial(_apply, path, item), partial(_create, path, item)
        yield Mutation(OBJECT, "left the set", ours, full, "delete", claims)
        yield Mutation(OUTSIDE, "of somebody, with our label", theirs, full, "", claims, True)


def _apply(path: str, item: Mapping[str, Any], client: KubeClient) -> None:
    client.apply(path, item)


def _create(path: str, item: Mapping[str, Any], client: KubeClient) -> None:
    create(client, path, item)

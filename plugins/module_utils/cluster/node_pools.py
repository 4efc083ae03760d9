# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and taints of node pools: what we put on a node is recorded there and can go again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

OWNED_ANNOTATION = "platform.biomax.ai/owned"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"(?:[a-z0-9](?:[-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}")
_VALUE = re.compile(rf"(?:{_NAME})?")

# The cluster itself writes keys below these domains; a pool may use only the two named exceptions.
_RESERVED = re.compile(r"(?:[^/]*\.)?(?:kubernetes\.io|k8s\.io)/")
_ALLOWED = ("node-role.kubernetes.io/", "node-restriction.kubernetes.io/")

TaintId = tuple[str, str]


@dataclass(frozen=True)
class Pool:
    """A declared pool; taints are (key, effect) -> value."""

    name: str
    labels: Mapping[str, str]
    taints: Mapping[TaintId, str]
    minimum: int
    maximum: int


@dataclass(frozen=True)
class NodePlan:
    """What changes on one node.

    Attributes:
        node: Its name.
        patch: JSON merge patch without the resourceVersion; empty when nothing changes.
        before: Labels and taints concerned, as they are.
        after: The same, as they will be.
    """

    node: str
    patch: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


def parse_pools(pools: Mapping[str, Any]) -> dict[str, Pool]:
    """Check the declared pools.

    Args:
        pools: Name to ``{group, labels, taints, min, max}``.

    Returns:
        The pools by name.

    Raises:
        InputError: A label, taint or bound is wrong; the message names the pool.
    """
    parsed = {}
    for name, pool in pools.items():
        if not isinstance(pool, Mapping):
            raise InputError(
                f"node_pools.{name}: expected labels, taints, min and max, found {pool!r}."
            )
        labels = pool.get("labels") or {}
        minimum, maximum = pool.get("min", 0), pool.get("max", 0)
        if not isinstance(labels, Mapping):
            raise InputError(f"node_pools.{name}.labels: expected a map, found {labels!r}.")
        for key, value in labels.items():
            _check_pair(f"node_pools.{name}.labels", key, value)
        numbers = all(isinstance(bound, int) for bound in (minimum, maximum))
        if not numbers or not 0 <= minimum <= maximum:
            raise InputError(
                f"node_pools.{name}: expected 0 <= min <= max, found {minimum!r} and {maximum!r}."
            )
        taints = _parse_taints(name, pool.get("taints") or [])
        parsed[name] = Pool(name, dict(labels), taints, minimum, maximum)
    return parsed


def _parse_taints(pool: str, taints: Any) -> dict[TaintId, str]:
    where = f"node_pools.{pool}.taints"
    if not isinstance(taints, Sequence) or isinstance(taints, str):
        raise InputError(f"{where}: expected a list, found {taints!r}.")
    parsed: dict[TaintId, str] = {}
    for taint in taints:
        if not isinstance(taint, Mapping) or not {"key", "effect"} <= set(taint) <= {
            "key",
            "value",
            "effect",
        }:
            raise InputError(f"{where}: expected {{key, value, effect}}, found {taint!r}.")
        _check_pair(where, taint["key"], taint.get("value", ""))
        if taint["effect"] not in EFFECTS:
            raise InputError(
                f"{where}: effect {taint['effect']!r} is none of {', '.join(EFFECTS)}."
            )
        identity = (taint["key"], taint["effect"])
        if identity in parsed:
            raise InputError(f"{where}: {identity[0]}:{identity[1]} stands twice.")
        parsed[identity] = taint.get("value", "")
    return parsed


def _check_pair(where: str, key: Any, value: Any) -> None:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InputError(f"{where}: {key!r} is no valid key.")
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise InputError(f"{where}: value {value!r} of {key} is no valid text; quote numbers.")
    if _RESERVED.match(key) and not key.startswith(_ALLOWED):
        raise InputError(f"{where}: {key} belongs to Kubernetes itself; choose another key.")


def check_bounds(
    pools: Mapping[str, Pool], members: Sequence[Mapping[str, str]], *, may_be_small: bool
) -> None:
    """Check how many nodes each pool has in the inventory.

    Args:
        pools: Parsed pools.
        members: Cluster nodes with ``name`` and ``pool``.
        may_be_small: A pool may go below its minimum: in a lab, and while hosts are absent.

    Raises:
        InputError: A pool has too few or too many nodes, or a node names an unknown pool.
    """
    counts = dict.fromkeys(pools, 0)
    for member in members:
        pool = member.get("pool", "")
        if pool and pool not in pools:
            raise InputError(
                f"Node {member['name']} is in pool {pool}, which node_pools does not declare."
            )
        if pool:
            counts[pool] += 1
    for name, count in counts.items():
        low = 0 if may_be_small else pools[name].minimum
        if not low <= count <= pools[name].maximum:
            raise InputError(
                f"Pool {name} has {count} nodes in the inventory, wanted {low} to "
                f"{pools[name].maximum}: change the pool's group, or min and max in node_pools."
            )


def owned_by_us(node: Mapping[str, Any]) -> tuple[set[str], set[TaintId]]:
    """Read which labels and taints earlier runs put on a node.

    Raises:
        InputError: The record on the node is damaged.
    """
    text = (node["metadata"].get("annotations") or {}).get(OWNED_ANNOTATION, "{}")
    try:
        record = json.loads(text)
        labels = set(record.get("labels", ()))
        taints = {_taint_id(item) for item in record.get("taints", ())}
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(
            f"Node {node['metadata']['name']}: annotation {OWNED_ANNOTATION} is damaged: {text!r}; "
            "remove it, then remove by hand the labels and taints that left node_pools."
        ) from error
    return labels, taints


def _taint_id(text: str) -> TaintId:
    key, separator, effect = text.rpartition(":")
    if not separator:
        raise ValueError(text)
    return key, effect


def plan_node(node: Mapping[str, Any], pool: Pool | None) -> NodePlan:
    """Plan the labels and taints of one node.

    Args:
        node: The live Node object.
        pool: Its pool; None for nodes without one, which lose what they were given earlier.

    Returns:
        The plan; its patch is empty when the node is as declared.
    """
    wanted_labels = dict(pool.labels) if pool else {}
    wanted_taints = dict(pool.taints) if pool else {}
    owned_labels, owned_taints = owned_by_us(node)
    labels = dict(node["metadata"].get("labels") or {})
    taints = list(node.get("spec", {}).get("taints") or ())
    gone = owned_labels - set(wanted_labels)
    label_patch: dict[str, str | None] = {
        key: value for key, value in wanted_labels.items() if labels.get(key) != value
    } | {key: None for key in gone if key in labels}
    new_taints = _merge_taints(taints, wanted_taints, owned_taints)
    record = _record(wanted_labels, wanted_taints)
    old_record = (node["metadata"].get("annotations") or {}).get(OWNED_ANNOTATION)
    patch: dict[str, Any] = {}
    metadata: dict[str, Any] = {"labels": label_patch} if label_patch else {}
    if record != old_record:
        metadata["annotations"] = {OWNED_ANNOTATION: record}
    if metadata:
        patch["metadata"] = metadata
    if new_taints != taints:
        patch["spec"] = {"taints": new_taints}
    if not patch:
        return NodePlan(node["metadata"]["name"])
    shown = sorted({*wanted_labels, *gone})
    after = {key: value for key, value in {**labels, **label_patch}.items() if value is not None}
    return NodePlan(
        node["metadata"]["name"],
        patch,
        {"labels": _only(labels, shown), "taints": _texts(taints), "owned": old_record},
        {"labels": _only(after, shown), "taints": _texts(new_taints), "owned": record},
    )


def _merge_taints(
    taints: Sequence[Mapping[str, Any]], wanted: Mapping[TaintId, str], owned: set[TaintId]
) -> list[dict[str, Any]]:
    """Keep foreign taints and the order, drop ours that are no longer wanted, add the new ones."""
    merged, left = [], dict(wanted)
    for taint in taints:
        identity = (taint["key"], taint["effect"])
        if identity in wanted:
            value = left.pop(identity, None)
            if value is not None:
                merged.append(
                    dict(taint) if taint.get("value", "") == value else _taint(identity, value)
                )
        elif identity not in owned:
            merged.append(dict(taint))
    return merged + [_taint(identity, value) for identity, value in left.items()]


def _taint(identity: TaintId, value: str) -> dict[str, Any]:
    taint = {"key": identity[0], "effect": identity[1]}
    return taint | ({"value": value} if value else {})


def _record(labels: Mapping[str, str], taints: Mapping[TaintId, str]) -> str | None:
    """Text of the annotation; None (no annotation) when nothing is ours."""
    if not labels and not taints:
        return None
    record = {
        "labels": sorted(labels),
        "taints": sorted(f"{key}:{effect}" for key, effect in taints),
    }
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def _only(labels: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: labels[key] for key in keys if key in labels}


def _texts(taints: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{item['key']}={item.get('value', '')}:{item['effect']}" for item in taints]

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a cluster run: a value that check mode prints and apply executes."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import NEVER_PRUNED
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    COMPONENT_LABEL,
    Object,
    Ref,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.ownership import (
    applied_fields,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import digest

# What the server writes by itself at each change; it says nothing about a difference.
_NOISE = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")


@dataclass(frozen=True)
class Change:
    """One planned change.

    Attributes:
        component: The component it belongs to.
        ref: The object.
        action: ``create``, ``update``, ``own`` (only ownership of fields) or ``delete``.
        wanted: The declaration to apply; empty for a deletion.
        before: The live object; empty when there is none.
        after: What the server says it will be; empty for a deletion.
        detail: Why, in words.
        derived: The cluster could not be asked, so the change needs an approval of its own.
    """

    component: str
    ref: Ref
    action: str
    wanted: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    detail: str = ""
    derived: bool = False

    def row(self) -> dict[str, Any]:
        """The change as a row of the report; contents stand in it as sums only."""
        return {
            "role": self.component,
            "kind": self.ref.kind,
            "name": self.ref.full_name,
            "action": self.action,
            "detail": self.detail,
            "changes": True,
            "derived": self.derived,
            "declared": digest(self.wanted),
            "observed": _observed(self.before),
        }

    def diff(self) -> dict[str, str]:
        """The change in Ansible's diff form."""
        header = f"{self.component}: {self.ref}"
        return {
            "before_header": header,
            "after_header": header,
            "before": _yaml(self.before),
            "after": _yaml(self.after),
        }


def meaningful(item: Mapping[str, Any]) -> Object:
    """Copy an object without its status and what the server writes at each change."""
    kept = {key: value for key, value in item.items() if key != "status"}
    kept["metadata"] = {
        key: value for key, value in item.get("metadata", {}).items() if key not in _NOISE
    }
    return copy.deepcopy(kept)


def _observed(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the identity of a live object and a sum of each of its parts."""
    if not live:
        return {"is": "absent"}
    shown = meaningful(live)
    metadata = shown.pop("metadata")
    parts = {**shown, "labels": metadata.get("labels"), "annotations": metadata.get("annotations")}
    sums = {key: digest(value)[:16] for key, value in sorted(parts.items()) if value}
    return {"uid": live["metadata"].get("uid", ""), **sums}


def judge(live: Mapping[str, Any], predicted: Mapping[str, Any]) -> str:
    """Compare a live object with what a dry run of its declaration returned.

    Args:
        live: The object as it is.
        predicted: The object as the server says it would be.

    Returns:
        ``update`` when contents change, ``own`` when only our ownership of fields does, or an
        empty string when nothing would change.
    """
    if meaningful(live) != meaningful(predicted):
        return "update"
    return "" if applied_fields(live) == applied_fields(predicted) else "own"


def orphans(
    live: Iterable[Mapping[str, Any]],
    declared: Iterable[Ref],
    components: Sequence[str],
    *,
    whole_platform: bool,
) -> tuple[list[Object], list[Object]]:
    """Choose the live objects that left the set.

    An object counts only when it carries our label, our manager applied it (controllers copy
    labels to what they derive, people copy whole objects; neither carries our manager) and it has
    no owner that removes it.

    Args:
        live: Live objects with the component label.
        declared: Identities of all declared objects.
        components: Names of the components in this run.
        whole_platform: The run holds every component, so other labels are leftovers too.

    Returns:
        The objects to delete, and those that are kept since their kind may hold data; both in
        reverse order of identity.
    """
    kept = set(declared)
    found = []
    for item in live:
        metadata = item["metadata"]
        component = metadata.get("labels", {}).get(COMPONENT_LABEL, "")
        if (
            Ref.of(item) not in kept
            and component
            and (whole_platform or component in components)
            and not metadata.get("ownerReferences")
            and not metadata.get("deletionTimestamp")
            and applied_fields(item)[1]
        ):
            found.append(dict(item))
    found.sort(key=Ref.of, reverse=True)
    return (
        [item for item in found if item["kind"] not in NEVER_PRUNED],
        [item for item in found if item["kind"] in NEVER_PRUNED],
    )


def _yaml(item: Mapping[str, Any]) -> str:
    if not item:
        return ""
    shown = meaningful(item)
    if shown.get("kind") == "Secret":
        shown["data"] = {key: _hashed(value) for key, value in (shown.get("data") or {}).items()}
    return yaml.dump(shown, Dumper=_Dumper, sort_keys=True, default_flow_style=False, width=120)


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block, so that a diff shows the lines that differ."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


_Dumper.add_representer(str, _text)


def _hashed(value: object) -> str:
    return f"sha256:{hashlib.sha256(str(value).encode()).hexdigest()}"

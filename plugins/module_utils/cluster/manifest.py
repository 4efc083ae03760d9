# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest of the bundle as a role uses it: what is left out and what is merged into it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    Object,
    Ref,
    check_object,
    parse_documents,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.nearest import did_you_mean

SUFFIX = ".manifest.yml.j2"  # templates that select a manifest instead of holding objects
_SHAPE: Mapping[str, type] = {"manifest": str, "version": str, "leave_out": list, "merge": list}
_LEAVE_OUT = frozenset({"kind", "name", "namespace", "apiVersion"})


@dataclass(frozen=True)
class Selection:
    """What a role takes from the bundle, as its template `objects/<name>.manifest.yml.j2` says.

    Attributes:
        manifest: Name of the manifest in the bundle's index.
        version: Its version.
        leave_out: Objects of it that are not applied: kind and name, where needed namespace and
            apiVersion.
        merge: Partial objects that are merged into those of the same apiVersion, kind, namespace
            and name.
        source: The template, for messages.
    """

    manifest: str
    version: str
    leave_out: Sequence[Mapping[str, str]]
    merge: Sequence[Object]
    source: str


def parse_selection(text: str, source: str) -> Selection | None:
    """Parse a rendered template.

    Args:
        text: YAML with one document or none.
        source: Name of the template, for messages.

    Returns:
        The selection; None when the template rendered to nothing.

    Raises:
        InputError: Not YAML, several documents, an unknown key or a value of the wrong shape.
    """
    documents = parse_documents(text, source)
    if not documents:
        return None
    found = documents[0]
    if len(documents) > 1 or not isinstance(found, dict):
        raise InputError(f"{source}: one document with manifest and version is wanted.")
    for key, value in found.items():
        if key not in _SHAPE:
            raise InputError(f"{source}: unknown key {key!r}. {did_you_mean(str(key), _SHAPE)}")
        if not isinstance(value, _SHAPE[key]):
            raise InputError(f"{source}: {key} is {value!r}, wanted {_SHAPE[key].__name__}.")
    if missing := {"manifest", "version"} - set(found):
        raise InputError(f"{source}: {' and '.join(sorted(missing))} missing.")
    leave_out = found.get("leave_out", [])
    for row in leave_out:
        if not isinstance(row, dict) or not {"kind", "name"} <= set(row) <= _LEAVE_OUT:
            raise InputError(f"{source}: leave_out holds {row!r}, wanted kind and name.")
    merge = [check_object(item, f"{source}, merge") for item in found.get("merge", [])]
    return Selection(found["manifest"], found["version"], leave_out, merge, source)


def select_objects(text: str, selection: Selection) -> list[Object]:
    """Take from a manifest the objects that a role wants, as it wants them.

    Maps are merged deep, lists whose elements all have a name by that name, other lists and values
    are replaced; null removes a key.

    Args:
        text: The manifest as its project publishes it.
        selection: What to leave out and what to merge.

    Returns:
        The objects in the order of the manifest.

    Raises:
        InputError: The manifest is no list of objects, or something that is left out or merged is
            not in it; the message names it.
    """
    label = f"manifest {selection.manifest} {selection.version}"
    objects = [check_object(_published(item), label) for item in parse_documents(text, label)]
    for row in selection.leave_out:
        kept = [item for item in objects if not _is(item, row)]
        if len(kept) == len(objects):
            raise InputError(_unknown(selection, "leave_out", row["kind"], row["name"], objects))
        objects = kept
    for partial in selection.merge:
        ref = Ref.of(partial)
        places = [number for number, item in enumerate(objects) if Ref.of(item) == ref]
        if not places:
            raise InputError(_unknown(selection, "merge", ref.kind, ref.full_name, objects))
        for place in places:
            objects[place] = _merged(objects[place], partial, f"{selection.source}: {ref}")
    return objects


def images_of(objects: Iterable[Any]) -> set[str]:
    """Return the images of every container that objects describe, wherever their pods stand."""
    found: set[str] = set()
    for value in objects:
        if isinstance(value, Mapping):
            for key in ("initContainers", "containers"):
                rows = value.get(key)
                if isinstance(rows, list):
                    found |= {row["image"] for row in rows if _has_text(row, "image")}
            found |= images_of(value.values())
        elif isinstance(value, list):
            found |= images_of(value)
    return found


def _published(item: Any) -> Any:
    """Remove what only a server writes, and write out its defaults where it compares as a whole.

    A default that is omitted inside an atomic value looks like a difference in every run.
    """
    if not isinstance(item, dict):
        return item
    item.pop("status", None)
    if str(item.get("kind")).endswith("WebhookConfiguration"):
        for webhook in item.get("webhooks") or ():
            webhook["rules"] = [{"scope": "*", **rule} for rule in webhook.get("rules") or ()]
    return _cleaned(item)


def _cleaned(value: Any) -> Any:
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    result = {
        key: _cleaned(inner)
        for key, inner in value.items()
        if not (key == "creationTimestamp" and inner is None)
    }
    # A schema in a definition has a property of that name, too, which is no reference.
    if _has_text(result.get("fieldRef"), "fieldPath"):
        result["fieldRef"] = {"apiVersion": "v1", **result["fieldRef"]}
    return result


def _is(item: Object, row: Mapping[str, str]) -> bool:
    found = {**item["metadata"], "kind": item["kind"], "apiVersion": item["apiVersion"]}
    return all(found.get(key, "") == value for key, value in row.items())


def _unknown(
    selection: Selection, key: str, kind: str, name: str, objects: Sequence[Object]
) -> str:
    refs = [Ref.of(item) for item in objects]
    known = [str(ref) for ref in refs if ref.kind == kind] or [str(ref) for ref in refs]
    return (
        f"{selection.source}: {key} names {kind} {name}, which is not in manifest "
        f"{selection.manifest} {selection.version}. {did_you_mean(f'{kind} {name}', known)}"
    )


def _merged(base: Any, partial: Any, where: str) -> Any:
    """Merge `partial` into `base`; neither is changed."""
    if isinstance(partial, dict):
        result = dict(base) if isinstance(base, dict) else {}
        for key, value in partial.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = _merged(result.get(key), value, f"{where}.{key}")
        return result
    if isinstance(base, list) and isinstance(partial, list) and _named(base) and _named(partial):
        return _merged_rows(base, partial, where)
    return copy.deepcopy(partial)


def _merged_rows(base: list[Any], partial: list[Any], where: str) -> list[Any]:
    names = [row["name"] for row in base]
    if len(names) > len(set(names)):
        raise InputError(
            f"{where}: rows are merged by name, but the manifest has a name twice ({names}). "
            "Leave the object out and declare it in a template of its own."
        )
    rows = {row["name"]: row for row in base}
    for row in partial:
        rows[row["name"]] = _merged(rows.get(row["name"]), row, f"{where}[{row['name']}]")
    return list(rows.values())


def _named(rows: list[Any]) -> bool:
    return bool(rows) and all(_has_text(row, "name") for row in rows)


def _has_text(row: Any, key: str) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get(key), str)

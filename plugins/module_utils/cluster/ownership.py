# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparison of a declared object with the live one at the paths that our manager owns.

The API server records in ``metadata.managedFields`` which paths each manager applied, as a tree of
``f:<field>``, ``k:<keys of a list item>``, ``v:<value of a set>`` and ``.`` (the item itself).
Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and the serialisation in
sigs.k8s.io/structured-merge-diff. A leaf is compared as a whole: it is a scalar or atomic.

A difference that is reported although there is none (a default inside an atomic list that the
declaration does not spell out) costs one dry run, which then shows that nothing changes. A
difference is never missed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import MANAGER
from ansible_collections.biomax.platform.plugins.module_utils.cluster.quantity import same_value

_MISSING = object()
_IDENTITY = ("apiVersion", "kind")


def applied_fields(live: Mapping[str, Any], manager: str = MANAGER) -> tuple[str, dict[str, Any]]:
    """Read what a manager applied.

    Args:
        live: The live object.
        manager: Name of the field manager.

    Returns:
        The API version it was applied in and the tree of owned fields; empty when it owns nothing.
    """
    for entry in live["metadata"].get("managedFields") or ():
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and not entry.get("subresource")
        ):
            return str(entry.get("apiVersion", "")), dict(entry.get("fieldsV1") or {})
    return "", {}


def differences(
    wanted: Mapping[str, Any], live: Mapping[str, Any], manager: str = MANAGER
) -> list[str]:
    """List the paths at which an apply could change something.

    Args:
        wanted: The declared object, labelled.
        live: The live object with its ``managedFields``.
        manager: Name of the field manager.

    Returns:
        Paths such as ``spec.replicas (2, wanted 3)``; empty when nothing differs.
    """
    version, fields = applied_fields(live, manager)
    if not fields:
        return [f"not applied by {manager} yet"]
    if version != wanted["apiVersion"]:
        return [f"applied as {version}, wanted {wanted['apiVersion']}"]
    declared = {key: value for key, value in wanted.items() if key not in _IDENTITY}
    declared["metadata"] = {
        key: value for key, value in wanted["metadata"].items() if key not in ("name", "namespace")
    }
    return list(_compare(fields, declared, live, ()))


def _compare(
    fields: Mapping[str, Any], wanted: Any, live: Any, path: tuple[str, ...]
) -> Iterator[str]:
    branches = {key: value for key, value in fields.items() if key != "."}
    if not branches:
        if not same_value(wanted, live, path):
            yield _text(path, live, wanted)
    elif isinstance(wanted, Mapping):
        yield from _compare_mapping(branches, wanted, live, path)
    elif isinstance(wanted, Sequence) and not isinstance(wanted, str):
        yield from _compare_list(branches, wanted, live, path)
    else:
        yield _text(path, live, wanted)


def _compare_mapping(
    fields: Mapping[str, Any], wanted: Mapping[str, Any], live: Any, path: tuple[str, ...]
) -> Iterator[str]:
    owned = {key[2:]: value for key, value in fields.items() if key.startswith("f:")}
    found = live if isinstance(live, Mapping) else {}
    for key, value in wanted.items():
        if value is not None and str(key) not in owned:
            yield _text((*path, str(key)), found.get(key, _MISSING), value)
    for key, tree in owned.items():
        here = (*path, key)
        if wanted.get(key) is None:
            yield f"{'.'.join(here)} (no longer wanted)"
        elif key not in found:
            yield _text(here, _MISSING, wanted[key])
        else:
            yield from _compare(tree, wanted[key], found[key], here)


def _compare_list(
    fields: Mapping[str, Any], wanted: Sequence[Any], live: Any, path: tuple[str, ...]
) -> Iterator[str]:
    rest = list(wanted)
    items = live if isinstance(live, Sequence) and not isinstance(live, str) else ()
    for key, tree in fields.items():
        here = (*path, f"[{key[2:]}]")
        matches = _Matcher(key)
        item = next((candidate for candidate in rest if matches(candidate, exact=False)), _MISSING)
        if item is _MISSING:
            yield f"{'.'.join(here)} (no longer wanted)"
            continue
        rest.remove(item)
        found = next((candidate for candidate in items if matches(candidate, exact=True)), _MISSING)
        if found is _MISSING:
            yield _text(here, _MISSING, item)
        elif key.startswith("k:"):
            yield from _compare(tree, item, found, here)
    for item in rest:
        yield _text((*path, "[]"), _MISSING, item)


class _Matcher:
    """Match list items with ``k:{"name":"x"}`` (by keys) or ``v:"x"`` (by value)."""

    def __init__(self, key: str) -> None:
        self._keyed = key.startswith("k:")
        self._value = json.loads(key[2:])

    def __call__(self, item: Any, *, exact: bool) -> bool:
        """Tell whether the item is meant; not exact: an absent key may be a default."""
        if not self._keyed:
            return bool(item == self._value)
        return isinstance(item, Mapping) and all(
            item[name] == value if name in item else not exact
            for name, value in self._value.items()
        )


def _text(path: tuple[str, ...], live: Any, wanted: Any) -> str:
    found = "absent" if live is _MISSING else _short(live)
    return f"{'.'.join(path)} ({found}, wanted {_short(wanted)})"


def _short(value: Any) -> str:
    if isinstance(value, str) and "\n" in value:
        return f"text of {len(value.splitlines())} lines"  # the diff shows it
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""Values of a declared object that somebody may change, and patches that do."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[Any, ...]
# Names by which items of a list are told apart: another name is another item.
_NAMES = (
    *("name", "namespace", "kind", "apiGroup", "key", "type", "uid", "protocol", "port"),
    *("containerPort", "mountPath", "devicePath", "topologyKey", "whenUnsatisfiable"),
)
# What selects pods or is defined once, so that the server or another object refuses a change.
_FIXED = (
    "apiVersion",
    "kind",
    "status",
    "selector",
    "roleRef",
    "clusterIP",
    "names",
    "scope",
    "group",
)


def leaves(item: Mapping[str, Any]) -> list[Path]:
    """Return the paths of all values that may be changed."""
    return list(_walk(item, ()))


def _walk(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            if not _is_fixed(key, path):
                yield from _walk(below, (*path, key))
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _walk(below, (*path, place))
    elif isinstance(value, (str, int, bool)):
        yield path


def _is_fixed(key: str, path: Path) -> bool:
    if not path:
        return key in _FIXED
    in_list = any(isinstance(part, int) for part in path)
    if path == ("metadata",):
        return key not in ("labels", "annotations")
    return key in _FIXED or (in_list and key in _NAMES) or "Selector" in key


def changed(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x"


def patch_of(live: Mapping[str, Any], path: Path, new: Any) -> dict[str, Any]:
    """Return a JSON merge patch that sets `path` in `live` to `new`; lists go as a whole."""
    if path[0] not in live:
        raise KeyError(path)
    first = next((n for n, part in enumerate(path) if isinstance(part, int)), None)
    if first is None:
        value, stem = new, path
    else:
        stem = path[:first]
        value = copy.deepcopy(_at(live, stem))
        _at(value, path[first:-1])[path[-1]] = new
    for part in reversed(stem):
        value = {part: value}
    patch: dict[str, Any] = value
    return patch


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def value_at(item: Mapping[str, Any], path: Path) -> Any:
    """Return the value at `path`.

    Raises:
        LookupError: there is none.
    """
    return _at(item, path)

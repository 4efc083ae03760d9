# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations checked and normalised; runs on the controller, before a host is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.nearest import did_you_mean
from ansible_collections.biomax.platform.plugins.module_utils.host.keys import (
    BOOLEAN,
    EXPANSION,
    FORMS,
    INTEGER,
    MAPPING,
    NOTHING,
    NUMBER,
    REQUIRED,
    ROLE,
    STRING,
    STRINGS,
    Form,
    Key,
)

_TYPES: Mapping[str, tuple[type, ...]] = {
    STRING: (str,),
    BOOLEAN: (bool,),
    INTEGER: (int,),
    NUMBER: (int, float),
    STRINGS: (list, tuple),
    MAPPING: (dict,),
}


@dataclass(frozen=True)
class Origin:
    """Where an entry stands, for messages: `number` counts from 1 in `file`."""

    role: str
    file: str
    number: int

    def __str__(self) -> str:
        return f"role {self.role}, entry {self.number} of {self.file}"


@dataclass
class Declared:
    """A checked entry; `name` is what it is called in plans."""

    kind: str
    name: str
    args: dict[str, Any]
    origin: Origin
    repeats: list[Origin] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as it is sent to the host."""
        role = self.origin.role
        return {"role": role, "kind": self.kind, "name": self.name, "args": self.args}


def kind_of(entry: object, origin: Origin) -> str:
    """Return the kind of a raw entry (or `resources` for a list of entries).

    Raises:
        InputError: it is no mapping, or has no kind or several.
    """
    if not isinstance(entry, Mapping) or not entry:
        raise InputError(
            f"{origin}: an entry is a mapping such as `- file: /etc/x`, found {entry!r}."
        )
    known = {*FORMS, EXPANSION}
    kinds = [key for key in entry if key in known]
    first = next(iter(entry))
    if not kinds:
        raise InputError(f"{origin}: unknown kind {first!r}. {did_you_mean(str(first), known)}")
    # `file` is a kind, and a key of two other kinds: the first key of the entry says which.
    if first in known:
        others = [key for key in kinds if key != first and key not in _keys_of(str(first))]
        if not others:
            return str(first)
    if len(kinds) > 1:
        raise InputError(f"{origin}: one kind per entry, found {', '.join(kinds)}. Split it.")
    return str(kinds[0])


def _keys_of(kind: str) -> Iterable[str]:
    return FORMS[kind].keys if kind in FORMS else ()


def check_entry(entry: Mapping[str, Any], origin: Origin) -> Declared:
    """Return the entry with its defaults filled in.

    Raises:
        InputError: a key is unknown, missing or of the wrong type; the message has its origin.
    """
    kind = kind_of(entry, origin)
    form = FORMS[kind]
    subject = entry[kind]
    where = f"{origin}: {kind} {_short(subject)}"
    unknown = [key for key in entry if key != kind and key not in form.keys]
    if unknown:
        hint = did_you_mean(str(unknown[0]), form.keys)
        raise InputError(f"{where}: unknown key {unknown[0]!r}. {hint}")
    _check_value(where, kind, subject, form.subject)
    args = _filled(where, entry, form, origin)
    if form.value:
        args[form.value] = subject
    problem = form.check(args)
    if problem:
        raise InputError(f"{where} {problem}.")
    return Declared(kind, _name(kind, subject, args), args, origin)


def _filled(where: str, entry: Mapping[str, Any], form: Form, origin: Origin) -> dict[str, Any]:
    args = {}
    for name, key in form.keys.items():
        if name in entry:
            _check_value(where, name, entry[name], key)
            args[name] = entry[name]
        elif key.default is REQUIRED:
            raise InputError(f"{where}: the key {name!r} is missing.")
        elif key.default is ROLE:
            args[name] = origin.role
        elif key.default is not NOTHING:
            args[name] = key.default
    return args


def _check_value(where: str, name: str, value: Any, key: Key) -> None:
    if key.choices and any(
        value == choice for choice in key.choices if isinstance(value, type(choice))
    ):
        return
    wanted = " or ".join([*([key.type] if key.type else []), *map(repr, key.choices)])
    types = _TYPES.get(key.type, ())
    wrong_type = not isinstance(value, types) or (
        isinstance(value, bool) and key.type in (INTEGER, NUMBER)
    )
    if wrong_type:
        hint = ' Quote it: `mode: "0644"`.' if name == "mode" else ""
        raise InputError(f"{where}: {name} is {_short(value)}, wanted {wanted}.{hint}")
    items = value if key.type == STRINGS else [value] if key.type == STRING else []
    for item in items:
        if not isinstance(item, str):
            raise InputError(f"{where}: {name} holds {_short(item)}, wanted strings only.")
        if key.pattern and not re.match(key.pattern, item):
            raise InputError(f"{where}: {name} is {item!r}, which does not match {key.pattern}.")
    if key.type == MAPPING and not all(isinstance(v, (str, int)) for v in value.values()):
        raise InputError(
            f"{where}: {name} wants a plain value for each key, found {_short(value)}."
        )


def _short(value: object) -> str:
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) <= 60 else text[:57] + "..."


def _name(kind: str, subject: Any, args: Mapping[str, Any]) -> str:
    if kind in ("sysctl", "kernel_modules"):
        return str(args["file"])
    if kind == "packages":
        return ", ".join(subject)
    return str(subject)


def merge(declared: Sequence[Declared]) -> list[Declared]:
    """Return the entries without repetitions.

    Raises:
        InputError: two entries want different things of one object.
    """
    result: list[Declared] = []
    first: dict[tuple[str, str], Declared] = {}
    for item in declared:
        if item.kind == "packages":
            result.append(item)
            continue
        known = first.get(_identity(item))
        if known is None:
            first[_identity(item)] = item
            result.append(item)
        elif known.args == item.args and known.kind == item.kind:
            known.repeats.append(item.origin)
        else:
            raise InputError(_conflict(known, item))
    _check_packages(result)
    return result


def _identity(item: Declared) -> tuple[str, str]:
    """Return what two entries must not fight about; paths are one name space."""
    if item.kind in ("file", "directory", "symlink"):
        return ("path", item.name)
    if item.kind == "artifact":
        return ("artifact", f"{item.name} in {item.args['dest']}")
    return (item.kind, item.name)


def _conflict(known: Declared, item: Declared) -> str:
    differing = sorted(
        key for key in {*known.args, *item.args} if known.args.get(key) != item.args.get(key)
    )
    what = f"they differ in {', '.join(differing)}" if known.kind == item.kind else "kinds differ"
    return (
        f"{item.kind} {item.name} is declared twice: {known.origin} and {item.origin}; {what}. "
        "Keep one of them."
    )


def _check_packages(declared: Sequence[Declared]) -> None:
    states: dict[str, Declared] = {}
    for item in declared:
        for name in item.args["packages"] if item.kind == "packages" else ():
            known = states.setdefault(name, item)
            if known.args["state"] != item.args["state"]:
                raise InputError(
                    f"package {name} is declared {known.args['state']} by {known.origin} and "
                    f"{item.args['state']} by {item.origin}. Keep one of them."
                )

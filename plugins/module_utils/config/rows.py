# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Effective values of variables with where each comes from: hiding, sharing, page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

INPUT = "input"  # written in the inventory by a person
DERIVED = "derived"  # made from other variables, in the inventory or in a role
DEFAULT = "default"  # a role's own value
COMMAND = "command"  # given on the command line, over everything else
UNREADABLE = "unreadable"  # asks for a file or a variable that is not there
HIDDEN = "(hidden)"
SITE = "site"  # section of the variables that belong to no role
_SHOWN = 100  # characters of a value on the page; the result holds all of it
_SHORTEST_SECRET = 8  # characters; a shorter text would be found in innocent values


@dataclass(frozen=True)
class Row:
    """One variable of one host.

    Attributes:
        section: SITE, or the role that declares the variable.
        name: Name of the variable.
        value: Its effective value, plain data; for UNREADABLE the reason.
        origin: INPUT, DERIVED, DEFAULT, COMMAND or UNREADABLE.
        place: Group, host and file, or the role, that the value comes from.
    """

    section: str
    name: str
    value: Any
    origin: str
    place: str = ""


def hide(rows: Iterable[Row], secret_names: Iterable[str]) -> list[Row]:
    """Hide secrets, also where another variable repeats their text.

    Args:
        rows: Rows of one host.
        secret_names: Names of variables whose values are secrets.

    Returns:
        The rows; the value of a secret, and every value that holds one, is HIDDEN.
    """
    rows, names = list(rows), set(secret_names)
    secrets = [
        text
        for row in rows
        if row.name in names and row.origin != UNREADABLE
        for text in _texts(row.value)
        if len(text) >= _SHORTEST_SECRET
    ]
    return [
        Row(row.section, row.name, HIDDEN, row.origin, row.place)
        if row.origin != UNREADABLE and (row.name in names or _holds(row.value, secrets))
        else row
        for row in rows
    ]


def share(rows: Mapping[str, Sequence[Row]]) -> tuple[list[Row], dict[str, list[Row]]]:
    """Separate what is the same on every host that has it from what is a host's own.

    Args:
        rows: Rows by host.

    Returns:
        The common rows, each once, in the order in which they were met; and for each host the
        rest, in its own order.
    """
    seen: dict[tuple[str, str], list[Row]] = {}
    for own in rows.values():
        for row in own:
            seen.setdefault((row.section, row.name), []).append(row)
    common = {key: found[0] for key, found in seen.items() if all(row == found[0] for row in found)}
    rest = {
        host: [row for row in own if (row.section, row.name) not in common]
        for host, own in rows.items()
    }
    return list(common.values()), rest


def page(site: str, common: Sequence[Row], rest: Mapping[str, Sequence[Row]]) -> str:
    """Lay the rows out for a terminal.

    Args:
        site: Name of the site.
        common: Rows that every host shares.
        rest: Rows of single hosts.

    Returns:
        Text of several lines, without a final newline.
    """
    rows = [*common, *(row for own in rest.values() for row in own)]
    width = max((len(row.name) for row in rows), default=0)
    hosts = f"{len(rest)} host{'' if len(rest) == 1 else 's'}"
    lines = [f"Site {site}, {hosts}. The same on every host:"]
    lines += _sections(common, width)
    for host, own in rest.items():
        if not own:
            continue  # the only host that is shown: all it has is above
        lines += ["", f"Host {host}:"]
        lines += _sections(own, width)
    return "\n".join(lines)


def _sections(rows: Sequence[Row], width: int) -> Iterator[str]:
    """Yield the lines of some rows, a heading above those of each role."""
    for section in dict.fromkeys(row.section for row in rows):
        if section != SITE:
            yield f"  role {section}"
        for row in rows:
            if row.section == section:
                place = f"  [{row.place}]" if row.place else ""
                text = row.value if row.origin == UNREADABLE else shown(row.value)
                yield f"  {row.origin:<10} {row.name:<{width}} {text}{place}"


def shown(value: Any) -> str:
    """Return a value on one line, cut when it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split()) or '""'
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, keys of maps not counted; a final newline counts for nothing."""
    if isinstance(value, str):
        yield value.strip()
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)


def _holds(value: Any, secrets: Sequence[str]) -> bool:
    return any(secret in text for text in _texts(value) for secret in secrets)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of `resources/main.yml` made from a list, since the file itself has no loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError


def resource_entries(
    names: Sequence[str], kind: str, fields: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Make one declaration for each name.

    Args:
        names: What the declarations name: paths, units, users.
        kind: The kind key, for example ``file``.
        fields: The other keys, the same for each entry.

    Returns:
        One map for each name, in order; a name that stands twice is declared once.

    Raises:
        InputError: An argument has another shape.
    """
    if isinstance(names, (str, Mapping)) or not isinstance(names, Sequence):
        raise InputError(f"Expected a list of names, found {names!r}.")
    wrong = [name for name in names if not isinstance(name, str) or not name]
    if wrong:
        raise InputError(f"Expected names as text, found {wrong[0]!r}.")
    if not isinstance(kind, str) or not kind:
        raise InputError(f"Expected the kind of the entries as text, found {kind!r}.")
    if fields is not None and not isinstance(fields, Mapping):
        raise InputError(f"Expected the other keys as a map, found {fields!r}.")
    if kind in (fields or {}):
        raise InputError(f"The key {kind!r} is the kind and cannot be set again.")
    return [{kind: name, **(fields or {})} for name in dict.fromkeys(names)]

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An approved plan compared with one made now, for all hosts, before the first change."""

from __future__ import annotations

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import (
    Moved,
    changing,
    moved,
    refusal,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import SitePlan

_SHOWN = 40  # things that moved; more says nothing new


def check_origin(approved: SitePlan, now: SitePlan, source: str) -> None:
    """Refuse a plan that was made for another run.

    Raises:
        InputError: site, inventory, `--limit`, tags or version differ; the message says which.
    """
    differences = approved.origin.differences(now.origin)
    if differences:
        raise InputError(
            f"{source} is not a plan for this run: {'; '.join(differences)}. Nothing was changed. "
            "Run with what it was made for, or make a new plan with playbooks/plan.yml."
        )


def check_unmoved(approved: SitePlan, now: SitePlan, source: str, *, under_way: bool) -> bool:
    """Refuse a plan when anything moved since it was made.

    Args:
        approved: the plan of the file.
        now: the plan of the same run, made a moment ago.
        source: name of the file.
        under_way: the plan's own run has begun already and was cut or stopped.

    Returns:
        Whether anything is left to do.

    Raises:
        UnsafeError: something moved; every such thing is named.
    """
    if not now.steps:
        return False
    places = dict.fromkeys((part.name, part.host) for part in (*approved.parts, *now.parts))
    found: dict[str, list[Moved]] = {}
    shown = 0
    for name, host in places:
        before, after = approved.part(name, host), now.part(name, host)
        items = moved(before.rows, after.rows, under_way=under_way)
        shown += len(items)
        if items:
            found.setdefault(host, []).extend(items)
    if found:
        raise UnsafeError(_limited(refusal(source, found), shown))
    return True


def _limited(text: str, count: int) -> str:
    """Shorten a message of more than `_SHOWN` things, and say so."""
    if count <= _SHOWN:
        return text
    parts = text.split(" | ")
    return " | ".join(parts[:_SHOWN]) + f" | and {count - _SHOWN} more. Make a new plan."


def derived_parts(plan: SitePlan) -> list[str]:
    """Return which calls of a run will stop for a second approval, as `host: call`."""
    return [
        f"{part.host}: {part.name}"
        for part in plan.parts
        if part.open_kinds or any(row.get("derived") for row in changing(part.rows))
    ]

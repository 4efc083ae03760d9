# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several failures is the first cause, and how it is shown. Pure.

The earliest failing task counts; of its hosts the one whose cause lies deepest: a full disk makes a
package fail, a silent registry makes a pod fail. When that cause lies on another host that failed
as well, that host's own failure is the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.biomax.platform.plugins.module_utils.explain import (
    cause_api,
    cause_certificate,
    cause_clock,
    cause_disk,
    cause_etcd,
    cause_mirror,
    cause_package,
    cause_port,
    cause_preflight,
    cause_promise,
    cause_reach,
    cause_undefined,
    cause_unit,
    cause_value,
)
from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
)

_LONGEST = 700  # characters of a line; the whole message stands above
# From causes to what they bring about.
_FAMILIES = (
    cause_reach.look,
    cause_preflight.look,
    cause_clock.look,
    cause_disk.look,
    cause_undefined.look,
    cause_value.look,
    cause_port.look,
    cause_certificate.look,
    cause_mirror.look,
    cause_disk.behind,
    cause_package.look,
    cause_etcd.look,
    cause_api.look,
    cause_promise.look,
    cause_unit.look,
)
Typed = Callable[[str, str], str]


def cause_of(failure: Failure, site: Site) -> tuple[int, Cause]:
    """Return how deep the cause of one failure lies (0 is deepest), and the cause."""
    for depth, family in enumerate(_FAMILIES):
        cause = family(failure, site)
        if cause:
            return depth, cause
    return len(_FAMILIES), _own_words(failure)


def _own_words(failure: Failure) -> Cause:
    """Take the message as it is: it says what was tried, what was found and what to do."""
    return Cause(
        failure.text.strip() or "the task failed and said nothing",
        failure.host,
        "journalctl -b -p warning -n 50 --no-pager",
        "Do what the message says, then run the same command again.",
    )


def first_cause(failures: Sequence[Failure], site: Site) -> tuple[Failure, Cause] | None:
    """Choose the failure that the others follow from.

    Args:
        failures: Every failure of the run, as they arrived.
        site: What the run knows of its hosts.

    Returns:
        The failure and its cause; None when nothing failed.
    """
    judged = [(failure, *cause_of(failure, site)) for failure in failures]
    ranked = sorted(judged, key=lambda row: (row[0].number, row[1]))
    if not ranked:
        return None
    chosen = ranked[0]
    seen: set[str] = set()
    while chosen[2].host != chosen[0].host and chosen[2].host not in seen:
        seen.add(chosen[0].host)
        own = [row for row in ranked if row[0].host == chosen[2].host]
        if not own:
            break
        chosen = own[0]
    return chosen[0], chosen[2]


def lines(failures: Sequence[Failure], site: Site, typed: Typed) -> list[str]:
    """Lay out the first cause for a terminal.

    Args:
        failures: Every failure of the run, as they arrived.
        site: What the run knows of its hosts.
        typed: Makes of a host and a command what is to be typed on the controller.

    Returns:
        Lines; none when nothing failed.
    """
    found = first_cause(failures, site)
    if not found:
        return []
    failure, cause = found
    at = "controller" if cause.host == CONTROLLER else cause.host
    rows = [
        f"{at}: {_short(cause.fact)}",
        f"  task  {failure.task}{f' ({failure.where})' if failure.where else ''}",
        f"  see   {typed(cause.typed_at or cause.host, cause.command)}",
        f"  do    {cause.remedy}",
    ]
    if failure.hidden:
        rows.append("  note  the task has no_log; of its result only the error is shown")
    others = sorted({item.host for item in failures} - {failure.host, cause.host})
    if others:
        rows.append(f"  also  {', '.join(others)} failed, at this task or later")
    return rows


def _short(text: str) -> str:
    """Join the lines and keep both ends of what is too long."""
    joined = " ".join(text.split())
    if len(joined) <= _LONGEST:
        return joined
    half = _LONGEST // 2
    return f"{joined[:half]} … {joined[-half:]}"

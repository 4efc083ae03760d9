# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that a person reads before approving a plan: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Row, changing
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.compare import derived_parts
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import (
    CLUSTER,
    Part,
    SitePlan,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.phases import Phase


def page(plan: SitePlan, found: Sequence[Phase], path: str) -> str:
    """Return the page.

    Args:
        plan: the plan.
        found: its phases.
        path: where the plan file is, for the command that applies it.
    """
    return "\n".join(_lines(plan, found, path)) + "\n"


def _lines(plan: SitePlan, found: Sequence[Phase], path: str) -> Iterator[str]:
    origin = plan.origin
    yield f"Plan for site {origin.site}, made {plan.made}, collection {origin.collection}"
    chosen = [
        f"--{option} {value}"
        for option, value in (
            ("limit", origin.limit),
            ("tags", ",".join(tag for tag in origin.tags if tag != "all")),
            ("skip-tags", ",".join(origin.skip_tags)),
        )
        if value
    ]
    if chosen:
        yield f"Only for a run with {' '.join(chosen)}"
    if not found:
        yield "Nothing to do: everything is as declared."
        return
    hosts = {part.host for part in plan.parts if changing(part.rows)} - {CLUSTER}
    yield f"{plan.steps} steps, {len(hosts)} hosts touched. Nothing was changed yet."
    for number, phase in enumerate(found, start=1):
        yield ""
        yield f"{number}. {phase.title}: {_at_once(phase)}, {_estimate(phase.seconds)}"
        yield f"   at stake: {phase.stake}"
        for part in phase.parts:
            yield from _part_lines(part)
    yield from _ending(plan, found, path)


def _at_once(phase: Phase) -> str:
    if not phase.at_once:
        return "no host is touched"
    return f"{phase.at_once} host{'s' * (phase.at_once != 1)} at once"


def _estimate(seconds: float | None) -> str:
    return "no time is recorded" if seconds is None else f"about {seconds:.0f} s (estimate)"


def _part_lines(part: Part) -> Iterator[str]:
    if part.host != CLUSTER:
        yield f"   {part.host}"
    for row in changing(part.rows):
        yield f"     {_step(row)}"


def _step(row: Row) -> str:
    owner = f"{row['role']}: " if row.get("role") else ""
    detail = f" ({row['detail']})" if row.get("detail") else ""
    mark = " [needs a second approval]" if row.get("derived") else ""
    return f"{owner}{row['action']} {row['kind']} {row['name']}{detail}{mark}"


def _ending(plan: SitePlan, found: Sequence[Phase], path: str) -> Iterator[str]:
    yield ""
    known = [phase.seconds for phase in found if phase.seconds is not None]
    if len(known) == len(found):
        yield (
            f"In all about {sum(known):.0f} s: an estimate, from how long these phases took when "
            "they last changed something."
        )
    else:
        yield "There is no estimate for all of it: not every phase has run here before."
    later = derived_parts(plan)
    if later and plan.accept_derived:
        yield f"Approved with this plan, whatever it turns out to be: {', '.join(later)}."
    elif later:
        yield f"The run will stop for a second approval at: {', '.join(later)}."
    yield f"Apply: ansible-playbook site.yml -i <inventory> {_options(plan)}-e plan_file={path}"


def _options(plan: SitePlan) -> str:
    origin = plan.origin
    tags = [tag for tag in origin.tags if tag != "all"]
    return (
        (f"--limit '{origin.limit}' " if origin.limit else "")
        + (f"--tags {','.join(tags)} " if tags else "")
        + (f"--skip-tags {','.join(origin.skip_tags)} " if origin.skip_tags else "")
    )

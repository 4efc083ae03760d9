# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a call, as Ansible and its callbacks read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.host.engine import Outcome
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Context, Resource

OK = "ok"


def result_of(
    outcome: Outcome,
    resources: Sequence[Resource],
    context: Context,
    *,
    check: bool,
    diff: bool,
) -> dict[str, Any]:
    """Return the module's result; `check` tells a prediction from what was done."""
    plan = outcome.plan
    predicted = check and plan.changes and not outcome.deferred
    result: dict[str, Any] = {
        "changed": predicted or any(step.changes for step in outcome.applied),
        "plan": [step.report() for step in plan.steps],
        "applied": [step.report() for step in outcome.applied],
        "resources": _statuses(outcome, resources),
        "deferred": outcome.deferred,
        "disruptive": [*plan.disruptive],
        "bytes_hashed": context.hashes.bytes_hashed,
        "warnings": context.source.warnings,
    }
    if diff:
        result["diff"] = [dict(step.diff) for step in plan.steps if step.diff]
    return result


def _statuses(outcome: Outcome, resources: Sequence[Resource]) -> list[dict[str, str]]:
    """Return one row per declaration: `ok`, or the actions that the plan has for it."""
    actions: dict[int, list[str]] = {}
    for step in outcome.plan.steps:
        if step.changes:
            actions.setdefault(step.position, []).append(step.action)
    return [
        {
            "role": item.role,
            "kind": item.kind,
            "name": item.name,
            "status": ", ".join(actions.get(item.position, [])) or OK,
        }
        for item in resources
    ]

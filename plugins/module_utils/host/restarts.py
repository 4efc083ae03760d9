# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which units restart because of a plan, and where in it: pure.

A unit restarts once, after its own declaration and after the last change that names it, in the
order in which units are declared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.biomax.platform.plugins.module_utils.host.ledger import (
    DAEMON_RELOAD,
    RELOAD,
    RESTART,
    Intent,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Resource, Step
from ansible_collections.biomax.platform.plugins.module_utils.host.systemd import UnitState

# Where systemd reads units from (systemd.unit(5)); fstab is turned into units as well.
_UNIT_PATH = re.compile(r"^/(etc|usr/lib|lib|usr/local/lib|run)/systemd/system(\.control)?/.+")
_UNIT_SOURCES = ("/etc/fstab",)


@dataclass(frozen=True)
class Owed:
    """A restart or reload that a plan owes: its verb, why, who, and where it may stand."""

    unit: str
    verb: str
    role: str
    reasons: tuple[str, ...]
    position: int


def touches_units(step: Step) -> bool:
    """Return whether systemd must read its unit files again after `step`."""
    return any(_UNIT_PATH.match(path) or path in _UNIT_SOURCES for path in step.paths)


def owed(steps: Sequence[Step], ledger: Mapping[str, Intent]) -> dict[str, Owed]:
    """Return what `steps` and earlier, cut runs owe, by unit."""
    result: dict[str, Owed] = {}
    for unit, intent in ledger.items():
        if unit != DAEMON_RELOAD:
            why = f"left over from a cut run of {intent.since}"
            result[unit] = Owed(unit, intent.verb, intent.role, (why,), -1)
    for step in steps:
        for verb, units in ((RESTART, step.restarts), (RELOAD, step.reloads)):
            for unit in units if step.changes else ():
                result[unit] = _merged(result.get(unit), unit, verb, step)
    return result


def _merged(known: Owed | None, unit: str, verb: str, step: Step) -> Owed:
    reason = f"{step.kind} {step.name}"
    if known is None:
        return Owed(unit, verb, step.role, (reason,), step.position)
    verb = RESTART if RESTART in (verb, known.verb) else RELOAD
    reasons = tuple(dict.fromkeys((*known.reasons, reason)))
    return replace(known, verb=verb, reasons=reasons, position=max(known.position, step.position))


def with_restarts(
    steps: Sequence[Step],
    units: Sequence[Resource],
    states: Mapping[str, UnitState],
    ledger: Mapping[str, Intent],
) -> list[Step]:
    """Return the whole plan: `steps` in order with restarts and daemon-reloads put in.

    Args:
        steps: the steps of the resources, by position.
        units: the declared units, in order.
        states: every unit that is declared or owed something.
        ledger: what cut runs left.
    """
    debts = owed(steps, ledger)
    plan = list(steps)
    last = max((step.position for step in steps), default=0)
    floor = 0
    for resource in units:
        debt = debts.pop(resource.name, None)
        if debt is None:
            continue
        step = _declared_restart(resource, debt, steps, states[resource.name])
        if step is not None:
            floor = max(floor, debt.position, resource.position)
            plan.append(replace(step, position=floor))
            # The restart's own wait covers the one that the probe would have asked for.
            plan = [s for s in plan if not (s.name == step.name and s.action == "wait")]
    for debt in debts.values():
        if states[debt.unit].running:
            plan.append(_step(debt, unit_args={}, position=max(last, debt.position, floor)))
    plan.sort(key=lambda step: (step.position, step.action in (RESTART, RELOAD)))
    return _with_daemon_reloads(plan, states, ledger)


def _declared_restart(
    resource: Resource, debt: Owed, steps: Sequence[Step], state: UnitState
) -> Step | None:
    """Return the restart of a declared unit, or None when nothing has to restart."""
    own = {s.action for s in steps if s.kind == "unit" and s.name == resource.name}
    if own & {"start", "stop"} or resource.args.get("enabled") == "masked":
        return None
    if not state.running or resource.args.get("state") == "stopped":
        return None
    args = dict(resource.args)
    if args.get("state") != "running" and state.active == "activating":
        # It fails and restarts by itself, and nobody says that it should run: kubelet before it
        # has joined. There is nothing to wait for.
        args.pop("ready", None)
    return _step(debt, unit_args=args, position=0)


def _step(debt: Owed, unit_args: Mapping[str, object], position: int) -> Step:
    return Step(
        role=debt.role,
        kind="unit",
        name=debt.unit,
        action=debt.verb,
        detail=", ".join(debt.reasons),
        position=position,
        data=dict(unit_args),
    )


def _with_daemon_reloads(
    plan: Sequence[Step], states: Mapping[str, UnitState], ledger: Mapping[str, Intent]
) -> list[Step]:
    """Put a daemon-reload before the first unit step after a change of unit files."""
    result: list[Step] = []
    pending = ""
    stale = sorted(unit for unit, state in states.items() if state.needs_reload)
    if DAEMON_RELOAD in ledger:
        pending = f"left over from a cut run of {ledger[DAEMON_RELOAD].since}"
    elif stale:
        pending = f"unit files of {', '.join(stale)} are newer than what systemd has"
    for step in plan:
        if pending and step.kind == "unit":
            result.append(_daemon_reload(step, pending))
            pending = ""
        result.append(step)
        if touches_units(step):
            pending = f"{step.kind} {step.name}"
    if pending:
        result.append(_daemon_reload(result[-1] if result else None, pending))
    return result


def _daemon_reload(near: Step | None, reason: str) -> Step:
    return Step(
        role=near.role if near else "",
        kind="unit",
        name=DAEMON_RELOAD,
        action=DAEMON_RELOAD,
        detail=reason,
        position=near.position if near else 0,
    )

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe, plan, apply, report: one call for all declarations of a host."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import (
    Approval,
    digest,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.host import restarts, systemd, tree
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds import KINDS
from ansible_collections.biomax.platform.plugins.module_utils.host.ledger import (
    DAEMON_RELOAD,
    Intent,
    Ledger,
    make_directory,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Resource,
    Step,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

_PAYS = (DAEMON_RELOAD, "start", "restart", "reload", "stop")  # what settles an intent
_RESERVE_BYTES = 8 * 1024 * 1024  # left free, so that journals and the ledger can still be written


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they are applied, and owed restarts that are void."""

    steps: tuple[Step, ...]
    void: tuple[str, ...] = ()
    disruptive: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether applying it changes the host."""
        return any(step.changes for step in self.steps)


@dataclass
class Outcome:
    """What a call did; `applied` are the steps that were carried out."""

    plan: Plan = Plan(())
    applied: list[Step] = field(default_factory=list)
    deferred: bool = False


@dataclass(frozen=True)
class Mode:
    """What a call may do.

    Attributes:
        check: stop after the plan.
        defer: change nothing when the plan touches a disruptive unit.
        approval: the steps that somebody approved; None when nothing binds the call.
    """

    check: bool = False
    defer: bool = False
    approval: Approval | None = None


def make_plan(context: Context, resources: Sequence[Resource]) -> Plan:
    """Look at the host and return what makes `resources` true; changes nothing."""
    seen = {name: _observe(context, name, resources) for name in _kinds(resources)}
    steps: list[Step] = []
    for resource in resources:
        kind, now = KINDS[resource.kind], seen[resource.kind]
        new = kind.plan(resource, now, tuple(steps))
        steps += _with_fingerprints(new, resource, kind.evidence(resource, now)) if new else []
    ledger = Ledger(context.host).read()
    units = _units(resources)
    states = _unit_states(context.host, steps, units, ledger, seen.get("unit") or {})
    plan = _with_states(restarts.with_restarts(steps, units, states, ledger), states)
    settled = {step.name for step in plan if step.kind == "unit" and step.action in _PAYS}
    marked = {unit.name for unit in units if unit.args.get("disruptive")}
    return Plan(
        tuple(plan),
        void=tuple(sorted(set(ledger) - settled)),
        disruptive=tuple(dict.fromkeys(s.name for s in plan if _disrupts(s, marked))),
    )


def _with_fingerprints(
    steps: Sequence[Step], resource: Resource, observed: Mapping[str, Any]
) -> list[Step]:
    """Note on each step what it was planned from: the declaration's sum and what was found."""
    declared = digest([resource.kind, resource.name, resource.args])
    return [replace(step, declared=declared, observed=observed) for step in steps]


def _with_states(steps: Sequence[Step], states: Mapping[str, systemd.UnitState]) -> list[Step]:
    """Do the same for restarts and reloads, which no declaration of their own stands behind."""
    return [
        step
        if step.declared or step.name not in states
        else replace(step, observed=states[step.name].evidence())
        for step in steps
    ]


def _observe(context: Context, kind: str, resources: Sequence[Resource]) -> Any:
    return KINDS[kind].observe(context, [item for item in resources if item.kind == kind])


def _kinds(resources: Sequence[Resource]) -> list[str]:
    return list(dict.fromkeys(item.kind for item in resources))


def _units(resources: Sequence[Resource]) -> list[Resource]:
    return [item for item in resources if item.kind == "unit"]


def _disrupts(step: Step, marked: set[str]) -> bool:
    return step.changes and step.kind == "unit" and step.name in marked


def _unit_states(
    host: Host,
    steps: Sequence[Step],
    units: Sequence[Resource],
    ledger: Mapping[str, Intent],
    seen: Mapping[str, Any],
) -> dict[str, systemd.UnitState]:
    """Return the state of every unit that the plan may touch; asks only for those not seen."""
    states = {unit.name: seen[unit.name].state for unit in units}
    wanted = restarts.owed(steps, ledger)
    return {**states, **systemd.query(host, set(wanted) - set(states))}


def check_space(host: Host, plan: Plan) -> None:
    """Raise PlatformError when a file system has no room for what `plan` writes."""
    needed: dict[int, int] = {}
    places: dict[int, Any] = {}
    for step in plan.steps:
        if step.needs_bytes:
            place = tree.existing_parent(host.at(step.needs_bytes[0]))
            device = place.stat().st_dev
            needed[device] = needed.get(device, 0) + step.needs_bytes[1]
            places[device] = place
    for device, amount in needed.items():
        found = os.statvfs(places[device])
        free = found.f_bavail * found.f_frsize
        if free < amount + _RESERVE_BYTES:
            raise PlatformError(
                f"The file system of {places[device]} has {free // 2**20} MiB free and this run "
                f"writes {amount / 2**20:.1f} MiB (and leaves {_RESERVE_BYTES // 2**20} MiB). "
                "Nothing was changed. Free space there and run again."
            )


def apply(context: Context, plan: Plan, applied: list[Step]) -> None:
    """Carry out `plan`; each step that was carried out is appended to `applied`.

    Before a step that owes a restart the ledger has it durably; it leaves the ledger when the
    unit is ready again. So the process may be killed at any point.
    """
    ledger = Ledger(context.host)
    if plan.steps or plan.void:
        make_directory(context.host)
    for unit in plan.void:
        ledger.settle(unit)
    for step in plan.steps:
        _promise(ledger, plan, step)
        try:
            _carry_out(context, step)
        except OSError as error:
            raise _failed(step, _plain(error)) from error
        except PlatformError as error:
            raise type(error)(f"{_where(step)}: {error}") from error
        _settle(ledger, step)
        applied.append(step)


def _promise(ledger: Ledger, plan: Plan, step: Step) -> None:
    """Write down what `step` will owe, as far as the plan pays it later."""
    paid = {item.name: item.action for item in plan.steps if item.kind == "unit"}
    reason = f"{step.kind} {step.name}"
    for verb, units in (("restart", step.restarts), ("reload", step.reloads)):
        for unit in units if step.changes else ():
            if paid.get(unit) in ("start", "restart", "reload"):
                ledger.owe(unit, verb, step.role, reason)
    if restarts.touches_units(step):
        ledger.owe(DAEMON_RELOAD, DAEMON_RELOAD, step.role, reason)


def _carry_out(context: Context, step: Step) -> None:
    if step.action == DAEMON_RELOAD:
        context.host.must_run(["systemctl", "daemon-reload"], 120)
    else:
        KINDS[step.kind].apply(context, step)


def _settle(ledger: Ledger, step: Step) -> None:
    if step.kind == "unit" and step.action in _PAYS:
        ledger.settle(step.name)


def _where(step: Step) -> str:
    return f"{step.action} {step.kind} {step.name} (role {step.role})"


def _failed(step: Step, why: str) -> PlatformError:
    return PlatformError(f"{_where(step)}: {why}. The steps before it were applied; run again.")


def _plain(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"the disk is full ({error.filename or 'no path'})"
    return f"{error.strerror} ({error.filename or 'no path'})"


def converge(
    context: Context,
    resources: Sequence[Resource],
    outcome: Outcome,
    mode: Mode,
) -> None:
    """Plan and, unless it is a check, apply.

    Args:
        context: the host.
        resources: every declaration of this call, in order.
        outcome: filled on the way, so that it is right when a step fails, too.
        mode: what the call may do.

    Raises:
        UnsafeError: the plan is not the approved one; nothing was changed.
        PlatformError: a step failed, or the host is not as declared after all steps succeeded.
    """
    outcome.plan = plan = make_plan(context, resources)
    outcome.deferred = mode.defer and bool(plan.disruptive)
    only_planned = mode.check or outcome.deferred
    if mode.approval:
        mode.approval.verify([step.report() for step in plan.steps], check=only_planned)
    if only_planned:
        return
    check_space(context.host, plan)
    apply(context, plan, outcome.applied)
    if plan.changes:
        _prove(context, resources, outcome)
    _keep(context, bool(plan.steps))


def _prove(context: Context, resources: Sequence[Resource], outcome: Outcome) -> None:
    """Fail loudly unless the plan was applied as predicted and nothing is left to do."""
    if [*outcome.plan.steps] != outcome.applied:
        raise PlatformError("The applied steps are not the planned ones: a bug, please report it.")
    rest = [step for step in make_plan(context, resources).steps if step.changes]
    if rest:
        left = "; ".join(f"{_where(step)} {step.detail}".rstrip() for step in rest)
        raise PlatformError(
            f"Every step succeeded and the host is still not as declared: {left}. Something else "
            "changes it (another program, another declaration), or a service ends after its start."
        )


def _keep(context: Context, changed: bool) -> None:
    """Save caches; a call without a state directory and without changes leaves no trace."""
    if changed or context.host.state().is_dir():
        make_directory(context.host)
        context.source.keep()
        context.hashes.save()

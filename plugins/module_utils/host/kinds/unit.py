# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `unit`: whether a systemd unit runs and starts at boot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.host import systemd
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
)

_MAKERS = ("packages", "artifact", "file", "symlink")


@dataclass(frozen=True)
class SeenUnit:
    """A unit's state; `ready` is None when there was nothing to ask."""

    state: systemd.UnitState
    ready: bool | None


class Unit(Kind[dict[str, SeenUnit]]):
    """Enable, disable, mask, start and stop units; restarts are planned by `restarts`."""

    name = "unit"

    def observe(self, context: Context, resources: Sequence[Resource]) -> dict[str, SeenUnit]:
        """Ask systemd once for all units, and each running unit's probe."""
        states = systemd.query(context.host, (item.name for item in resources))
        seen = {}
        for item in resources:
            state, probe = states[item.name], item.args.get("ready")
            ask = bool(probe) and state.running and item.args.get("state") == "running"
            ready = systemd.is_ready(context.host, probe) if ask and probe else None
            seen[item.name] = SeenUnit(state, ready)
        return seen

    def plan(
        self, resource: Resource, seen: dict[str, SeenUnit], earlier: Sequence[Step]
    ) -> list[Step]:
        """Compare enabling and running."""
        now = seen[resource.name]
        wanted, enabled = resource.args.get("state"), resource.args.get("enabled")
        known_after = ""
        if not now.state.exists and (wanted == "running" or enabled is True):
            known_after = _maker(resource, earlier)
        actions = [
            *_enabling(now.state, enabled),
            *_running(now, wanted),
        ]
        return [
            step_of(
                resource,
                action,
                detail=detail,
                known_after=known_after,
                changes=action != "wait",
                data=dict(resource.args),
            )
            for action, detail in actions
        ]

    def evidence(self, resource: Resource, seen: dict[str, SeenUnit]) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        return seen[resource.name].state.evidence()

    def apply(self, context: Context, step: Step) -> None:
        """Carry out one step; after a start the probe must pass."""
        if step.action != "wait":
            systemd.act(context.host, step.action, step.name)
        probe = step.data.get("ready")
        if probe and step.action in ("start", "restart", "reload", "wait"):
            seconds = float(step.data["ready_seconds"])
            systemd.wait_ready(context.host, step.name, probe, seconds)


def _enabling(state: systemd.UnitState, enabled: object) -> list[tuple[str, str]]:
    if enabled == "masked":
        return [] if state.masked else [("mask", "")]
    if enabled is None:
        return []
    steps = [("unmask", "")] if state.masked else []
    if enabled is True and (state.masked or not state.enabled):
        steps.append(("enable", ""))
    if enabled is False and state.file in ("enabled", "enabled-runtime", "linked"):
        steps.append(("disable", ""))
    return steps


def _running(now: SeenUnit, wanted: object) -> list[tuple[str, str]]:
    state = now.state
    if wanted == "running" and not state.running:
        return [("start", f"it is {state.active}")]
    if wanted == "running" and now.ready is False:
        return [("wait", "it runs and is not ready")]
    if wanted == "stopped" and state.running:
        return [("stop", f"it is {state.active}")]
    return []


def _maker(resource: Resource, earlier: Sequence[Step]) -> str:
    """Return the earlier step that brings the unit.

    Raises:
        InputError: nothing in this call can bring it.
    """
    makers = [step for step in earlier if step.kind in _MAKERS and step.action != "remove"]
    named = [step for step in makers if resource.name in step.name]
    own = [step for step in makers if step.role == resource.role]
    for candidates in (named, own, makers):
        if candidates:
            return f"{candidates[-1].kind} {candidates[-1].name}"
    raise InputError(
        f"Role {resource.role} declares unit {resource.name}, the host has no such unit and "
        "nothing declared before it would bring one. Declare its package or unit file first, or "
        "correct the name (`systemctl list-unit-files`)."
    )

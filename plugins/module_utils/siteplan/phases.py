# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan by phases of a run: how many at once, what is at stake, how long it took before: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Row, changing
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import (
    BUNDLE,
    COMPONENTS,
    HOST,
    IMAGES,
    MEMBERSHIP,
    NODE_POOLS,
    SCHEMA,
    Part,
    SitePlan,
)

_ROLLED = ("DaemonSet", "Deployment", "StatefulSet")


@dataclass(frozen=True)
class Members:
    """Names by what they are, absent hosts included."""

    mirrors: tuple[str, ...] = ()
    control_planes: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Phase:
    """One phase of a run that changes something.

    Attributes:
        title: what it is called.
        plays: names of the plays that make it, for recorded times.
        parts: what is done, call by call.
        at_once: how many hosts are touched at the same time.
        stake: what quorum or budgets have to do with it, in a sentence.
        seconds: how long it took when it last changed something; None when that is not recorded.
    """

    title: str
    plays: tuple[str, ...]
    parts: tuple[Part, ...]
    at_once: int
    stake: str
    seconds: float | None = None

    def row(self) -> dict[str, Any]:
        """Return the phase as the summary of a plan file shows it."""
        rows = [row for part in self.parts for row in changing(part.rows)]
        return {
            "phase": self.title,
            "hosts": sorted({part.host for part in self.parts}),
            "steps": len(rows),
            "restarts": sorted({f"{h}: {r['name']}" for h, r in _acts(self.parts, "restart")}),
            "at_once": self.at_once,
            "at_stake": self.stake,
            "estimate_seconds": self.seconds,
        }


def _acts(parts: Sequence[Part], action: str) -> list[tuple[str, Row]]:
    return [(p.host, r) for p in parts for r in changing(p.rows) if r["action"] == action]


def phases(plan: SitePlan, members: Members, times: Mapping[str, float]) -> list[Phase]:
    """Return the phases that change something, in the order of a run.

    Args:
        plan: the plan.
        members: the site's hosts.
        times: seconds that plays took when they last changed something, by name.
    """
    found = [
        _mirror(plan, members),
        _parallel(plan, members),
        _rolling(plan, members),
        _membership(plan, members),
        _platform(plan),
    ]
    return [_timed(phase, times) for phase in found if phase.parts]


def _chosen(plan: SitePlan, names: Sequence[str], hosts: Sequence[str] | None) -> list[Part]:
    return [
        part
        for part in plan.parts
        if part.name in names and changing(part.rows) and (hosts is None or part.host in hosts)
    ]


def _mirror(plan: SitePlan, members: Members) -> Phase:
    parts = _chosen(plan, (BUNDLE, HOST, IMAGES), members.mirrors)
    count = len({part.host for part in parts})
    stake = "members go on without the mirror; nothing on them waits for it"
    return Phase("the mirror", ("Fill and converge the mirror",), tuple(parts), count, stake)


def _of_members(plan: SitePlan, members: Members, *, deferred: bool) -> tuple[Part, ...]:
    known = (*members.control_planes, *members.workers)
    return tuple(p for p in _chosen(plan, (HOST,), known) if p.deferred is deferred)


def _parallel(plan: SitePlan, members: Members) -> Phase:
    parts = _of_members(plan, members, deferred=False)
    touched = sorted({unit for part in parts for unit in part.disruptive})
    stake = "no unit that a quorum stands on is touched"
    if touched:
        stake = f"{', '.join(touched)} on hosts that are no members yet"
    title = "the host layer of the members"
    plays = ("Converge the host layer of the members",)
    return Phase(title, plays, parts, len(parts), stake)


def _rolling(plan: SitePlan, members: Members) -> Phase:
    parts = _of_members(plan, members, deferred=True)
    units = ", ".join(sorted({unit for part in parts for unit in part.disruptive}))
    stake = f"{units}; before and after each host the cluster must be healthy"
    if any(part.host in members.control_planes for part in parts):
        stake += f"; {quorum(members)}"
    title = "disruptive changes, one member at a time"
    plays = ("Converge disruptive changes, one member at a time",)
    return Phase(title, plays, parts, 1, stake)


def quorum(members: Members) -> str:
    """Say what is left of etcd's quorum while one control plane is out."""
    declared = len(members.control_planes)
    live = len([name for name in members.control_planes if name not in members.absent])
    needed = declared // 2 + 1
    left = live - 1
    verdict = "quorum holds" if left >= needed else "QUORUM IS LOST MEANWHILE"
    return (
        f"etcd: {left} of {declared} members stay while one is out, {needed} are needed: {verdict}"
    )


def _membership(plan: SitePlan, members: Members) -> Phase:
    parts = _chosen(plan, (MEMBERSHIP,), None)
    rows = [row for part in parts for row in changing(part.rows)]
    workers = [row for row in rows if row["name"] in members.workers]
    starts = [str(row["name"]) for row in rows if row["action"] == "init"]
    begin = f"{starts[0]} starts a new cluster; " if starts else ""
    stake = (
        f"{begin}control planes join one at a time, each after a proof that every etcd member is a "
        "healthy voter; nothing is drained"
    )
    plays = (
        "Finish joins that are complete",
        "Start the cluster",
        "Join control planes, one at a time",
        "Join workers",
        "Close the run",
    )
    return Phase("the cluster", plays, tuple(parts), max(1, len(workers)), stake)


def _platform(plan: SitePlan) -> Phase:
    parts = _chosen(plan, (NODE_POOLS, COMPONENTS, SCHEMA), None)
    rows = [row for part in parts for row in changing(part.rows)]
    rolled = [
        f"{r['kind']} {r['name']}" for r in rows if r["kind"] in _ROLLED and r["action"] != "create"
    ]
    budgets = [f"{r['action']} {r['name']}" for r in rows if r["kind"] == "PodDisruptionBudget"]
    stake = "nothing is drained"
    if rolled:
        stake += f"; pods are replaced by their own strategy: {', '.join(rolled)}"
    if budgets:
        stake += f"; disruption budgets: {', '.join(budgets)}"
    nodes = sum(part.name == NODE_POOLS for part in parts)
    return Phase("the platform's components", ("Deploy the platform",), tuple(parts), nodes, stake)


def _timed(phase: Phase, times: Mapping[str, float]) -> Phase:
    known = [times[name] for name in phase.plays if name in times]
    seconds = round(sum(known), 1) if known else None
    return Phase(phase.title, phase.plays, phase.parts, phase.at_once, phase.stake, seconds)


def summary(plan: SitePlan, found: Sequence[Phase]) -> dict[str, Any]:
    """Return what the plan file says about itself, for people and programs that only read."""
    known = [phase.seconds for phase in found if phase.seconds is not None]
    return {
        "steps": plan.steps,
        "estimate_seconds": round(sum(known), 1) if len(known) == len(found) and known else None,
        "phases": [phase.row() for phase in found],
    }

"""What a run must do because of mutations, by the documented rules and without the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.proofs.plan.hosts.mutation import Mutation

_RELOAD = "daemon-reload unit daemon-reload"
_STARTS = ("start", "restart")


@dataclass(frozen=True)
class Expected:
    """The steps of the plan, and the items of a survey that change at each stage."""

    steps: frozenset[str]
    mutated: frozenset[str]
    applied: frozenset[str]
    left: frozenset[str]


def expected_of(mutations: Sequence[Mutation], running: Iterable[str]) -> Expected:
    """Return what must follow from `mutations` while the units `running` run."""
    steps = {step for mutation in mutations for step in mutation.steps}
    steps |= _restarts(mutations, steps, set(running))
    if any(mutation.reads_units for mutation in mutations):
        steps.add(_RELOAD)
    mutated = {item for mutation in mutations for item in mutation.effects}
    kept = {item for mutation in mutations for item in mutation.leaves if not mutation.steps}
    left = {item for mutation in mutations for item in mutation.leaves}
    begun = set(_begun(steps))
    return Expected(
        frozenset(steps),
        frozenset(mutated),
        frozenset((mutated - kept) | begun),
        frozenset(left | begun),
    )


def _restarts(mutations: Sequence[Mutation], steps: set[str], running: set[str]) -> set[str]:
    """Return one restart or reload for each running unit that a moved resource names."""
    restarts = {unit for mutation in mutations for unit in mutation.restarts}
    reloads = {unit for mutation in mutations for unit in mutation.reloads} - restarts
    verbs = {**dict.fromkeys(reloads, "reload"), **dict.fromkeys(restarts, "restart")}
    return {
        f"{verb} unit {unit}"
        for unit, verb in verbs.items()
        if unit in running and not steps & {f"start unit {unit}", f"stop unit {unit}"}
    }


def _begun(steps: Iterable[str]) -> Iterable[str]:
    """Yield the items by which a survey sees that a unit was started or reloaded."""
    for step in steps:
        action, kind, name = step.split(" ", 2)
        if kind == "unit" and action in _STARTS:
            yield f"unit {name} started"
        if kind == "unit" and action == "reload":
            yield f"unit {name} reloaded"

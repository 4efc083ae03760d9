"""One host's round judged: predicted, applied and really changed are the same, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.proofs.plan.hosts.expected import Expected, expected_of
from tests.proofs.plan.hosts.mutation import Mutation
from tests.proofs.plan.verdict import unequal

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """What a round returned for one host.

    Attributes:
        predicted: rows of the plan that check mode made.
        applied: rows that the bound run says it carried out.
        again: rows of the plan after it.
        second: what the same approved plan did when it was applied once more.
        survey: what tests.proofs.plan.hosts.survey reports.
    """

    predicted: Rows
    applied: Rows
    again: Rows
    second: Rows
    survey: Mapping[str, Any]

    @classmethod
    def from_file(cls, found: Mapping[str, Any]) -> Outcome:
        """Read what round.yml wrote."""
        return cls(
            found["predicted"]["plan"],
            found["applied"]["applied"],
            found["again"]["plan"],
            found["second"]["applied"],
            found["survey"],
        )


def judge(outcome: Outcome, mutations: Sequence[Mutation]) -> list[str]:
    """Return a line for everything that is not as it must be; [] is what is wanted."""
    wanted = expected_of(mutations, outcome.survey["running"])
    return [
        *unequal("steps of the plan", wanted.steps, _steps(outcome.predicted)),
        *_same_rows(outcome),
        *_really(outcome, wanted),
        *unequal("steps of the next plan", [], _steps(outcome.again)),
        *unequal("steps of the same plan once more", [], _steps(outcome.second)),
    ]


def _steps(rows: Rows) -> Iterable[str]:
    """Return what the steps change; one that only waits changes nothing."""
    return [f"{r['action']} {r['kind']} {r['name']}" for r in rows if r["changes"]]


def _same_rows(outcome: Outcome) -> list[str]:
    """Compare prediction and report in full: every field, in order."""
    predicted, applied = [*outcome.predicted], [*outcome.applied]
    if predicted == applied:
        return []
    return [f"applied {applied}, predicted {predicted}"]


def _really(outcome: Outcome, wanted: Expected) -> list[str]:
    """Compare with what the surveys saw."""
    stages = {stage: _telling(outcome.survey[stage]) for stage in ("mutated", "applied", "left")}
    mutated = [item for item in stages["mutated"] if not item.endswith(" started")]
    return [
        *unequal("what was moved", wanted.mutated, mutated),
        *unequal("what the run changed", wanted.applied, stages["applied"]),
        *unequal("what differs in the end", wanted.left, stages["left"]),
    ]


def _telling(found: Mapping[str, Sequence[str | None]]) -> list[str]:
    """Return the items that differ; a unit that stops forgets when it was started and reloaded."""
    passing = (" started", " reloaded")
    return [item for item, (_, now) in found.items() if now or not item.endswith(passing)]

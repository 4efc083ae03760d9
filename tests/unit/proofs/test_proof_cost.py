"""More than recorded fails, less does not, and what was never recorded is no free pass."""

from __future__ import annotations

from tests.proofs.cost import excess

RECORD = {"no change": {"tasks": 1, "connections": 1}}


def test_as_recorded_or_less() -> None:
    assert excess(RECORD, {"no change": {"tasks": 1, "connections": 0}}) == []


def test_more_than_recorded() -> None:
    lines = excess(RECORD, {"no change": {"tasks": 2, "connections": 1}})
    assert lines == ["no change: 2 tasks, and 1 is recorded"]


def test_what_is_not_recorded() -> None:
    assert excess(RECORD, {"new": {"tasks": 0}}) == ["new: 0 tasks, and nothing is recorded"]
    lines = excess(RECORD, {"no change": {"processes": 3}})
    assert lines == ["no change: 3 processes, and nothing is recorded"]

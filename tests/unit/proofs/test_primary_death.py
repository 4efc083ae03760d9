"""How the deaths of the primary's node are summed up."""

from __future__ import annotations

from typing import Any

from tests.proofs.primary_death.__main__ import AFTER_RECOVERY, numbers


def death(quiet: float, gap: float, begun: float | None) -> dict[str, Any]:
    after = {"detected": 20.0, "begun": begun, "promoted": 45.0, "routed": 50.0, "first row": gap}
    return {
        AFTER_RECOVERY: quiet,
        "seconds without writes": gap,
        "after": after,
        "rows acknowledged": int(100 * gap),
        "rows lost": 0,
    }


def test_deaths_soon_after_a_recovery_are_told_apart() -> None:
    found = numbers([death(5, 90, 50), death(40, 58, 24), death(55, 62, None), death(19, 96, 54)])
    soon, quiet = "within 20 s after a recovery", "in a quiet cluster"
    assert (found["deaths"], found["rows acknowledged"]) == (4, 9600)
    assert (found[f"{soon}: deaths"], found[f"{quiet}: deaths"]) == (2, 2)
    assert found[f"{soon}: seconds without writes, median"] == 93
    assert found[f"{quiet}: seconds without writes, shortest"] == 58
    assert found[f"{quiet}: mean seconds from death to begun"] == 24
    assert found[f"{soon}: mean seconds from death to begun"] == 52


def test_lost_rows_are_counted_and_a_kind_that_never_was_is_not_told() -> None:
    found = numbers([death(40, 58, 24), death(40, 58, 24) | {"rows lost": 3}])
    assert found["acknowledged rows lost"] == 3
    assert not [name for name in found if "recovery" in name]

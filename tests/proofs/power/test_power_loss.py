"""The short form of the proof of durability: `make proofs` cuts ten times."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.lab]


def test_a_run_cut_by_loss_of_power_is_finished_by_the_next(
    recovered: list[dict[str, Any]],
) -> None:
    """What is promised of each cut was checked on the way; here only that they were real cuts."""
    bare, restart = recovered
    print(bare, restart)
    assert bare["was_running"]
    assert restart["was_running"]
    assert 0 < bare["changes_on_disk"] < bare["changes"]
    assert "containerd.service" in restart["intents_on_disk"]


def test_what_only_memory_held_was_lost(recovered: list[dict[str, Any]]) -> None:
    """The cuts are worth something only if they take away what nobody flushed."""
    assert any(row["memory_was_lost"] for row in recovered)

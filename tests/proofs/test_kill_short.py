"""The short form of the kill proof: one cut in the host layer, one while the cluster forms."""

from __future__ import annotations

import pytest

from tests.proofs.kill import prove_cut
from tests.support.site import lab


@pytest.fixture(scope="module")
def bare() -> None:
    """Boot bare hosts and remember them as snapshot `bare`."""
    lab("down", "--purge")
    lab("up")
    lab("snapshot", "bare")


@pytest.mark.lab
@pytest.mark.destructive
@pytest.mark.parametrize(("number", "after_seconds"), [(101, 25.0), (102, 75.0)])
def test_cut_run_is_finished_by_the_next(bare: None, number: int, after_seconds: float) -> None:
    row = prove_cut(number, after_seconds)
    print(row)
    assert row["was_running"], "the run ended before the cut: draw an earlier moment"

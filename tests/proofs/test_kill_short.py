"""The short form of the kill proof: one cut while the cluster forms.

Cuts in the host layer are in test_hosts_short.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.proofs.kill import prove_cut
from tests.support.site import lab


@pytest.fixture(scope="module")
def bare() -> Iterator[None]:
    """Bare hosts, for as long as the proof needs them."""
    lab("down", "--purge")
    lab("up")
    yield
    lab("down", "--purge")


@pytest.mark.lab
@pytest.mark.destructive
def test_cut_run_is_finished_by_the_next(bare: None) -> None:
    row = prove_cut(102, after_seconds=75.0)
    print(row)
    assert row["was_running"], "the run ended before the cut: draw an earlier moment"

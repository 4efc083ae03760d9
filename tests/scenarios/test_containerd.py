"""One role alone on one host, by its Molecule scenario, on a lab that exists for it only."""

from __future__ import annotations

import pytest

from tests.support.site import lab, run_scenario


@pytest.mark.lab
@pytest.mark.destructive
def test_containerd_alone() -> None:
    lab("down", "--purge")
    run_scenario("containerd")
    assert "no lab" in lab("status", check=False).lower()

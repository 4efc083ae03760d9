"""The lab with its formed cluster, shared by every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.scenario import run_scenario
from tests.support.site import lab


@pytest.fixture(scope="session")
def formed() -> Iterator[str]:
    """Form the cluster on fresh hosts by its Molecule scenario, which also proves idempotence.

    The value is what the scenario printed. A lab that is up is taken down first: what is tested
    here starts from bare hosts.
    """
    lab("down", "--purge", "--force")
    yield run_scenario("cluster", "--destroy", "never")
    lab("down", "--purge")


@pytest.fixture
def site(formed: str) -> str:
    """A lab whose cluster stands."""
    return formed

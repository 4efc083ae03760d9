"""One virtual host for all tests of this directory: cut twice on its way to the declared state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.proofs.power import site
from tests.proofs.power_loss import STEPS, Cut, Proof


@pytest.fixture(scope="session")
def recovered() -> Iterator[list[dict[str, Any]]]:
    """Cut the first run on a bare host while a program is written, and the next in a restart.

    The value is the report of both cuts; the host is as declared and on.
    """
    proof = Proof()
    try:
        yield [proof.prove(Cut(number, *STEPS[number])) for number in (0, 1)]
    finally:
        site.instance_lab("down", "--purge")

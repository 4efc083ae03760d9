"""The lab with its formed cluster, shared by every test of this folder."""

from __future__ import annotations

import pytest

from tests.support.site import Run, lab, run_playbook


@pytest.fixture(scope="session")
def first_run() -> Run:
    """Boot the lab when it is down, run site.yml once and return what it did."""
    lab("up")
    run = run_playbook("site.yml")
    assert run.returncode == 0, run.output[-8000:]
    return run


@pytest.fixture
def site(first_run: Run) -> Run:
    """A lab whose cluster stands; the value is the run that made it or found it."""
    return first_run

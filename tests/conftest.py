"""The lab with its formed cluster, shared by every test that needs one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.proofs.light import site as light
from tests.support.site import lab, run_playbook, run_scenario

_EGRESS = pytest.StashKey[dict[str, Any]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a developer keep the lab between runs of the tests."""
    parser.addoption(
        "--reuse-lab",
        action="store_true",
        help="use the lab that is up and keep it, instead of forming a cluster on fresh hosts",
    )


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say at once what failed: a run that is cut later never comes to its summary."""
    if report.failed:
        sys.stdout.write(f"\n{report.nodeid}, {report.when}:\n{report.longreprtext[-3000:]}\n")
        sys.stdout.flush()


@pytest.fixture(scope="session")
def formed(request: pytest.FixtureRequest) -> Iterator[str]:
    """Form the cluster on fresh hosts by its Molecule scenario, which also proves idempotence.

    The value is what the scenario printed. A lab that is up is taken down first, since what is
    tested starts from bare hosts; with ``--reuse-lab`` it is converged and kept.
    """
    if request.config.getoption("--reuse-lab"):
        lab("up")
        run = run_playbook("site.yml")
        assert run.returncode == 0, run.output[-8000:]
        output = run.output
    else:
        lab("down", "--purge")
        output = run_scenario("cluster", "--destroy", "never")
    request.config.stash[_EGRESS] = json.loads(lab("status", "--json"))
    yield output
    if not request.config.getoption("--reuse-lab"):
        lab("down", "--purge")


@pytest.fixture
def egress_of_forming(request: pytest.FixtureRequest, formed: str) -> dict[str, Any]:
    """What the lab's edge had counted when the cluster stood, before any test touched it.

    With ``--reuse-lab`` that is everything since the lab's `up` or its last `egress --reset`.
    """
    return request.config.stash[_EGRESS]


@pytest.fixture
def site(formed: str) -> str:
    """A lab whose cluster stands."""
    return formed


@pytest.fixture(scope="session")
def light_hosts() -> Iterator[None]:
    """A mirror and six light hosts with their snapshot, on an instance of their own."""
    light.ready()
    yield
    light.down()

"""A plan of the formed site, approved: refused when anything moved, applied once, then done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.site import Run, on_host, run_playbook

HOST, PATH = "ml1", "/etc/hosts"
ONLY = ("--limit", HOST, "--tags", "base_os")


def mode() -> str:
    """Return the mode of the file."""
    return on_host(HOST, f"stat -c %a {PATH}").strip()


def words(run: Run) -> str:
    """Return what a run printed as one line."""
    return " ".join(run.output.split())


def really_changed(run: Run) -> set[str]:
    """Return the hosts that a run changed; what its plan predicts counts as changed in Ansible."""
    return {
        host
        for task in run.record["tasks"]
        if not task["play"].startswith("Plan")
        for host in task.get("changed", ())
    }


@pytest.fixture
def moved(site: str) -> Iterator[None]:
    """A file of the host has another mode, for the time of a test."""
    on_host(HOST, f"chmod 0600 {PATH}")
    yield
    on_host(HOST, f"chmod 0644 {PATH}")


@pytest.mark.lab
def test_an_approved_plan_binds_the_run(moved: None, tmp_path: Path) -> None:
    bound = ("-e", f"plan_file={tmp_path / 'plan.json'}")
    planned = run_playbook("playbooks/plan.yml", *ONLY, *bound)
    assert planned.returncode == 0, planned.output[-6000:]
    on_host(HOST, f"chmod 0640 {PATH}")
    refused = run_playbook("site.yml", *ONLY, *bound)
    assert refused.returncode != 0, refused.output[-6000:]
    assert f"{HOST}: file {PATH} (base_os): planned adjust from [is file, mode 0600" in words(
        refused
    )
    assert "found adjust from [is file, mode 0640" in words(refused)
    assert really_changed(refused) == set(), refused.changed_tasks()
    assert mode() == "640"
    on_host(HOST, f"chmod 0600 {PATH}")
    applied = run_playbook("site.yml", *ONLY, *bound)
    assert applied.returncode == 0, applied.output[-6000:]
    assert really_changed(applied) == {HOST}, applied.changed_tasks()
    assert mode() == "644"
    again = run_playbook("site.yml", *ONLY, *bound)
    assert again.returncode == 0, again.output[-6000:]
    assert "has nothing left to do" in words(again)
    assert really_changed(again) == set(), again.changed_tasks()

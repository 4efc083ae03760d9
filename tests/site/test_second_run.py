"""A run that has nothing to do says so, quickly and cheaply."""

from __future__ import annotations

import pytest

from tests.support.site import CONTROLLER, on_host, run_playbook
from tests.support.units import start_times

HOST_LAYER = ("Preflight", "Converge")
MEMBERS = ("cp1", "cp2", "cp3", "app1", "db1", "ml1")


@pytest.mark.lab
def test_nothing_changes_and_nothing_restarts(site: str) -> None:
    before = {host: start_times(host) for host in MEMBERS}
    again = run_playbook("site.yml")
    assert again.returncode == 0, again.output[-6000:]
    assert again.counter("changed") == {}, again.output[-6000:]
    assert {host: start_times(host) for host in MEMBERS} == before
    planned = {name: again.executed_on(name, ("Plan the",)) for name in (CONTROLLER, *MEMBERS)}
    assert not any(planned.values()), f"without plan_file nothing is planned first: {planned}"
    print(f"site.yml with nothing to do: {again.record['seconds']:.1f} s")


@pytest.mark.lab
def test_host_layer_costs_three_tasks_at_most_and_sees_the_members_at_rest(site: str) -> None:
    """A member whose API server is slow to answer is rightly looked at again: not every time."""
    for _ in range(3):
        again = run_playbook("site.yml")
        plays = [play["name"] for play in again.record["plays"]]
        assert any(play.startswith(HOST_LAYER) for play in plays), plays
        cost = {host: again.executed_on(host, HOST_LAYER) for host in MEMBERS}
        assert all(1 <= tasks <= 3 for tasks in cost.values()), cost
        asked = {name: again.executed_on(name, ("Look at the members",)) for name in MEMBERS}
        if not any(asked.values()):
            return
    raise AssertionError(f"the host layer had just seen them at rest: {asked}")


@pytest.mark.lab
def test_check_mode_predicts_nothing_after_a_run(site: str) -> None:
    predicted = run_playbook("site.yml", "--check", "--diff")
    assert predicted.returncode == 0, predicted.output[-6000:]
    assert predicted.counter("changed") == {}, predicted.changed_tasks()


@pytest.mark.lab
def test_a_tag_touches_only_its_role(site: str) -> None:
    """Take a file of another role away: a run limited to containerd must not bring it back."""
    path = "/etc/systemd/journald.conf.d"
    stray = on_host("ml1", f"ls {path} | head -n 1").strip()
    assert stray, f"no journald drop-in of base_os in {path}"
    on_host("ml1", f"mv {path}/{stray} /root/{stray}.aside")
    try:
        tagged = run_playbook("site.yml", "--tags", "containerd", "--limit", "ml1")
        assert tagged.returncode == 0, tagged.output[-6000:]
        assert stray not in on_host("ml1", f"ls {path}")
    finally:
        on_host("ml1", f"mv /root/{stray}.aside {path}/{stray}")


@pytest.mark.lab
def test_limited_plan_is_the_full_plan_for_that_host(site: str) -> None:
    on_host("cp2", "chmod 0600 /etc/hosts")
    try:
        full = run_playbook("site.yml", "--check", "--diff")
        limited = run_playbook("site.yml", "--check", "--diff", "--limit", "cp2")
        assert full.returncode == limited.returncode == 0
        assert [task for task in full.changed_tasks() if "cp2" in task] == limited.changed_tasks()
        assert limited.counter("changed").keys() - {CONTROLLER} == {"cp2"}
    finally:
        on_host("cp2", "chmod 0644 /etc/hosts")

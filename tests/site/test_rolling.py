"""A change that restarts what a quorum stands on goes through the members one at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.site import on_host, run_playbook

PLAYBOOK = "playbooks/converge_hosts.yml"
MEMBERS = ("app1", "cp2", "cp3")
LIMIT = ("--limit", ",".join(MEMBERS))
CHANGE = ("-e", "containerd_concurrent_downloads=5")
PLAY = "Converge disruptive changes, one member at a time"
ACT = "Converge the host layer"
GATES = ("Wait until the cluster can do without this member", "Wait until the member is back")


def started(host: str) -> str:
    """Return when containerd was last started."""
    return on_host(host, "systemctl show --value -p ActiveEnterTimestampMonotonic containerd")


def containers(host: str) -> list[str]:
    """Return the ids of the containers that run."""
    return sorted(on_host(host, "ctr --namespace k8s.io task list -q 2>/dev/null").split())


@pytest.fixture
def changed(site: str) -> Iterator[None]:
    """Put back what the test changed."""
    yield
    back = run_playbook(PLAYBOOK, *LIMIT)
    assert back.returncode == 0, back.output[-6000:]


@pytest.mark.lab
def test_members_are_restarted_in_turn_and_their_containers_live_on(changed: None) -> None:
    before = {host: (started(host), containers(host)) for host in MEMBERS}
    run = run_playbook(PLAYBOOK, *LIMIT, *CHANGE)
    assert run.returncode == 0, run.output[-6000:]
    order = [
        (task["name"], task["hosts"])
        for task in run.record["tasks"]
        if task["play"] == PLAY and task["name"] in (ACT, *GATES)
    ]
    expected = [(name, [host]) for host in MEMBERS for name in (GATES[0], ACT, GATES[1])]
    assert order == expected
    assert run.counter("changed") == dict.fromkeys(MEMBERS, 1)
    for host in MEMBERS:
        when, ids = before[host]
        assert started(host) != when, host
        assert set(ids) <= set(containers(host)), f"a container on {host} ended"


@pytest.mark.lab
def test_deferred_hosts_are_untouched_in_check_mode(site: str) -> None:
    before = {host: started(host) for host in MEMBERS}
    run = run_playbook(PLAYBOOK, *LIMIT, *CHANGE, "--check")
    assert run.returncode == 0, run.output[-6000:]
    assert {host: started(host) for host in MEMBERS} == before
    assert run.counter("changed").keys() == set(MEMBERS)

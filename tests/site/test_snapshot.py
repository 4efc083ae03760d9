"""A formed cluster is brought back within its budget and is healthy."""

from __future__ import annotations

import time

import pytest

from tests.support.site import lab, on_host, run_playbook

RESTORE_BUDGET_SECONDS = 20.0
HEALTHY_SECONDS = 120.0


@pytest.mark.lab
@pytest.mark.destructive
def test_snapshot_of_a_formed_cluster(site: str) -> None:
    on_host("app1", "touch /root/before-snapshot")
    lab("snapshot", "formed")
    on_host("app1", "touch /root/after-snapshot")
    started = time.monotonic()
    lab("restore", "formed")
    restored = time.monotonic() - started
    print(f"restored in {restored:.1f} s")
    assert restored <= RESTORE_BUDGET_SECONDS
    assert on_host("app1", "ls /root").split() == ["before-snapshot"]
    while (verified := run_playbook("playbooks/verify.yml")).returncode != 0:
        assert time.monotonic() - started < HEALTHY_SECONDS, verified.output[-3000:]
    print(f"healthy {time.monotonic() - started:.1f} s after restore began")

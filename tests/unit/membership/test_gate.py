"""The gate around a disruptive change: what keeps it closed, and that it opens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    NotReadyError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.etcd import Member
from ansible_collections.biomax.platform.plugins.module_utils.membership.gate import (
    LEASES,
    Waiting,
    is_member,
    wait_open,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.https import Unanswered
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout

SERVERS = [{"name": f"cp{n}", "address": f"192.0.2.{n}", "pool": ""} for n in (1, 2, 3)]
START = 1_800_000_000.0


def voter(name: str, healthy: bool) -> Member:
    return Member("1", name, "192.0.2.9", "192.0.2.9", learner=False, healthy=healthy)


@dataclass
class FakeCluster:
    """A cluster that changes with the seconds that pass."""

    states: dict[str, str] = field(default_factory=dict)
    ready: bool = True
    message: str = "PLEG is not healthy"
    renew_at: float = 0.0
    refused: bool = False
    voters: dict[str, bool] = field(default_factory=dict)
    now: float = 0.0
    asked: list[str] = field(default_factory=list)

    def probe(self, address: str) -> str:
        return self.states.get(address, "ready")

    def get(self, address: str, path: str) -> dict[str, Any]:
        self.asked.append(address)
        if self.refused:
            raise Unanswered(f"GET {path} at {address}: HTTP 403")
        if path == f"{LEASES}/cp1":
            return {"spec": {"renewTime": self._renewed()}}
        status = "True" if self.ready else "False"
        condition = {"type": "Ready", "status": status, "message": self.message}
        return {"metadata": {"name": "cp1"}, "status": {"conditions": [condition]}}

    def etcd_members(self) -> list[Member]:
        return [voter(name, healthy) for name, healthy in self.voters.items()]

    def _renewed(self) -> str:
        shown = self.renew_at if self.now >= self.renew_at else -5.0
        moment = datetime.fromtimestamp(START + shown, tz=timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def waiting(self, timeout: float = 30.0) -> Waiting:
        return Waiting(timeout, lambda: START + self.now, lambda: self.now, self.sleep)


def test_opens_when_the_lease_is_renewed_after_the_gate_was_reached() -> None:
    cluster = FakeCluster(renew_at=7.0)
    assert wait_open(cluster, "cp1", SERVERS, cluster.waiting()) == 7.0


def test_ready_node_with_an_old_lease_stays_closed() -> None:
    cluster = FakeCluster(renew_at=1e6)
    with pytest.raises(NotReadyError, match=r"within 30 s: its kubelet last reported at 2027-"):
        wait_open(cluster, "cp1", SERVERS, cluster.waiting())


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (FakeCluster(states={"192.0.2.2": "silent"}), "the API server on cp2 is silent"),
        (FakeCluster(states={"192.0.2.3": "answers"}), "the API server on cp3 is not ready"),
        (FakeCluster(ready=False), "node cp1 is not ready: PLEG is not healthy"),
        (FakeCluster(refused=True), "reading node cp1: GET .* HTTP 403"),
    ],
)
def test_says_what_is_missing(cluster: FakeCluster, message: str) -> None:
    with pytest.raises(NotReadyError, match=message):
        wait_open(cluster, "cp1", SERVERS, cluster.waiting())
    assert cluster.now >= 30


def test_asks_an_api_server_that_is_ready() -> None:
    cluster = FakeCluster(states={"192.0.2.1": "silent"})
    with pytest.raises(NotReadyError, match="the API server on cp1 is silent"):
        wait_open(cluster, "cp1", SERVERS, cluster.waiting(2))
    assert set(cluster.asked) == {"192.0.2.2"}


def test_no_api_server_at_all() -> None:
    cluster = FakeCluster(states={server["address"]: "silent" for server in SERVERS})
    with pytest.raises(NotReadyError, match=r"cp1 is silent; .*cp2 is silent; .*cp3 is silent"):
        wait_open(cluster, "cp1", SERVERS, cluster.waiting(1))
    assert cluster.asked == []


def test_node_that_waits_for_its_network_may_be_disturbed() -> None:
    cluster = FakeCluster(
        ready=False, message="container runtime network not ready: cni plugin not initialized"
    )
    assert wait_open(cluster, "cp1", SERVERS, cluster.waiting()) == 0.0


def test_member_is_who_has_kubelet_credentials(tmp_path: Path) -> None:
    assert not is_member(Layout(tmp_path))
    (tmp_path / "etc/kubernetes").mkdir(parents=True)
    assert not is_member(Layout(tmp_path))
    (tmp_path / "etc/kubernetes/kubelet.conf").write_text("")
    assert is_member(Layout(tmp_path))


def test_etcd_that_lost_a_voter_is_not_disturbed() -> None:
    """cp3 is declared absent, so nobody waits for it; cp1 and cp2 alone are the quorum."""
    cluster = FakeCluster(voters={"cp1": True, "cp2": True, "cp3": False})
    living = SERVERS[:2]
    with pytest.raises(UnsafeError, match=r"without cp1 1 of 3 voters .* and 2 must .*Bring cp3"):
        wait_open(cluster, "cp1", living, cluster.waiting(), ["containerd.service"])
    assert cluster.now == 0, "waiting for a dead member helps nobody"
    unrelated = ["haproxy.service", "keepalived.service"]
    assert wait_open(cluster, "cp1", living, cluster.waiting(), unrelated) == 0.0


def test_a_voter_that_is_expected_back_is_waited_for() -> None:
    cluster = FakeCluster(voters={"cp1": True, "cp2": False, "cp3": True})
    with pytest.raises(NotReadyError, match=r"within 30 s: etcd member cp2 does not answer"):
        wait_open(cluster, "cp1", SERVERS, cluster.waiting(), ["kubelet.service"])
    assert cluster.now >= 30

"""The leader's side of a join, against a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    NotReadyError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    ledger,
    ticket,
    tokens,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.api import ClusterApi
from ansible_collections.biomax.platform.plugins.module_utils.membership.etcd import (
    EtcdClient,
    Member,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.https import Reply
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.nodes import NodeState
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import Node

from tests.unit.membership.pki import authority
from tests.unit.membership.test_jobs import INTENT
from tests.unit.membership.test_kubeadm import site

CP1 = Node("cp1", "192.0.2.21", "control_plane")
CP2 = Node("cp2", "192.0.2.22", "control_plane")
APP1 = Node("app1", "192.0.2.31", "worker")


def voter(node: Node, **changes: Any) -> Member:
    return replace(Member(node.name, node.name, node.address, node.address, False, True), **changes)


def arrived(node: Node, state: str = "ready") -> NodeState:
    return NodeState(node.name, state, "", (node.address,), node.is_control_plane, "1.36.3")


@dataclass
class Cluster:
    """etcd and the API of one control plane."""

    members: list[Member]
    known: list[NodeState]
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_ready: bool = True
    deleted: list[str] = field(default_factory=list)

    def remove(self, member: Member) -> None:
        self.members = [item for item in self.members if item.id != member.id]

    def ready(self) -> bool:
        return self.is_ready

    def nodes(self) -> list[NodeState]:
        return self.known

    def node(self, name: str) -> NodeState | None:
        return next((item for item in self.known if item.name == name), None)

    def delete(self, path: str) -> bool:
        self.deleted.append(path)
        return self.secrets.pop(path.rsplit("/", 1)[1], None) is not None

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        if method == "POST":
            self.secrets[body["metadata"]["name"]] = body
            return Reply(201, "{}")
        raise AssertionError(f"unexpected {method} {path}")


@dataclass(frozen=True)
class FakeLeader(ticket.Leader):
    """A leader whose cluster is in memory."""

    cluster: Cluster = field(default_factory=lambda: Cluster([], []))

    def api(self) -> ClusterApi:
        return cast(ClusterApi, self.cluster)

    def etcd(self) -> EtcdClient:
        found = type("Etcd", (), {})()
        found.members = lambda: self.cluster.members
        found.remove = self.cluster.remove
        return cast(EtcdClient, found)


@pytest.fixture
def leader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLeader]:
    monkeypatch.setattr(ticket, "probe", lambda *_args: "ready")
    layout = Layout(tmp_path)
    layout.pki.mkdir(parents=True)
    (layout.pki / "ca.crt").write_text(authority("one").ca)
    yield FakeLeader(layout, site(), CP1, Cluster([voter(CP1)], [arrived(CP1)]))


def test_healthy_cluster_misses_nothing(leader: FakeLeader) -> None:
    assert leader.missing() == []


def test_everything_that_is_missing_is_named_at_once(
    leader: FakeLeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket, "probe", lambda *_args: "silent")
    leader.cluster.is_ready = False
    leader.cluster.members.append(voter(CP2, learner=True, healthy=False))
    leader.cluster.known.append(arrived(CP2, "not_ready"))
    said = "; ".join(leader.missing(["app1"]))
    for part in (
        "API server of cp1",
        "cp2 is a learner",
        "192.0.2.22",
        "node cp2",
        "node app1 is not registered",
        "endpoint api.example.org:8443",
    ):
        assert part in said


def test_workers_need_no_whole_etcd(leader: FakeLeader) -> None:
    leader.cluster.members.append(voter(CP2, healthy=False))
    assert leader.missing(whole=False) == []
    assert leader.missing() == ["etcd member cp2 is not healthy"]


def test_gate_opens_when_the_last_thing_has_come() -> None:
    found = [["a", "b"], ["b"], []]
    slept: list[float] = []
    ticket.gate(lambda: found.pop(0), 10, slept.append, lambda: 0.0)
    assert len(slept) == 2


def test_gate_names_what_is_missing_at_the_deadline() -> None:
    clock = iter([0.0, 5.0, 11.0])
    with pytest.raises(NotReadyError, match=r"within 10 s.*a; b"):
        ticket.gate(lambda: ["a", "b"], 10, lambda _seconds: None, lambda: next(clock))


@pytest.mark.parametrize("half_done", [False, True])
def test_learner_of_an_earlier_join_is_removed(leader: FakeLeader, half_done: bool) -> None:
    leader.cluster.members.append(voter(CP2, learner=True, name="", healthy=False))
    removed = ticket.remove_traces(leader, CP2, half_done=half_done)
    assert removed == ["etcd member 192.0.2.22"]
    assert [member.name for member in leader.cluster.members] == ["cp1"]


def test_voter_of_a_half_done_join_is_removed_with_its_node(leader: FakeLeader) -> None:
    leader.cluster.members.append(voter(CP2))
    leader.cluster.known.append(arrived(CP2))
    removed = ticket.remove_traces(leader, CP2, half_done=True)
    assert removed == ["etcd member cp2", "node cp2"]
    assert leader.cluster.deleted == ["/api/v1/nodes/cp2"]


def test_voter_of_a_half_done_join_stays_when_the_quorum_is_at_risk(leader: FakeLeader) -> None:
    leader.cluster.members = [voter(CP1, healthy=False), voter(CP2)]
    with pytest.raises(UnsafeError, match="quorum is at risk"):
        ticket.remove_traces(leader, CP2, half_done=True)
    assert len(leader.cluster.members) == 2


def test_voter_of_a_blank_host_is_a_decision(leader: FakeLeader) -> None:
    leader.cluster.members.append(voter(CP2, id="17"))
    with pytest.raises(UnsafeError, match="etcdctl member remove 11"):
        ticket.remove_traces(leader, CP2, half_done=False)


def test_ready_node_with_the_name_of_a_blank_host_is_refused(leader: FakeLeader) -> None:
    leader.cluster.known.append(arrived(APP1))
    with pytest.raises(UnsafeError, match="must not share a name"):
        ticket.remove_traces(leader, APP1, half_done=False)
    leader.cluster.known = [arrived(APP1, "not_ready")]
    assert ticket.remove_traces(leader, APP1, half_done=False) == []
    assert leader.cluster.deleted == []


def test_half_done_host_does_not_lead(leader: FakeLeader) -> None:
    leader.check()
    ledger.write_intent(leader.layout, INTENT)
    with pytest.raises(UnsafeError, match="cp1 cannot lead"):
        leader.check()


def test_worker_ticket_has_no_shared_secrets(leader: FakeLeader) -> None:
    found = ticket.issue(leader, [APP1])
    assert (found.certificate_key, found.encryption, found.escrow) == ("", "", {})
    assert found.ca_fingerprint == authority("one").fingerprint
    (secret,) = leader.cluster.secrets.values()
    assert secret["type"] == "bootstrap.kubernetes.io/token"
    data = secret["stringData"]
    assert f"{data['token-id']}.{data['token-secret']}" == found.token
    assert "usage-bootstrap-signing" not in data  # nothing is published for joins without it
    assert data["expiration"] <= tokens.expiration(tokens.TOKEN_MINUTES)


def test_tokens_have_the_form_that_kubernetes_asks_for() -> None:
    for _ in range(50):
        ident, secret = tokens.new_token().split(".")
        assert (len(ident), len(secret), ident[:3]) == (6, 16, "bmx")
        assert set(ident + secret) <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    assert len(tokens.new_certificate_key()) == 64

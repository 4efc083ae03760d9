"""etcd members, nodes and kubeconfigs as the programs print them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import access, etcd, nodes
from ansible_collections.biomax.platform.plugins.module_utils.membership.kubeconfig import (
    fingerprint,
    parse_kubeconfig,
)

from tests.unit.membership.pki import authority, kubeconfig

# Recorded from etcd 3.6.16: a voter, a learner that runs, a learner that was only announced.
REPLY = {
    "header": {"cluster_id": "1", "member_id": "2", "raft_term": "2"},
    "members": [
        {
            "ID": "10501334649042878790",
            "name": "cp1",
            "peerURLs": ["https://192.0.2.21:2380"],
            "clientURLs": ["https://192.0.2.21:2379"],
        },
        {
            "ID": "12",
            "name": "cp2",
            "peerURLs": ["https://192.0.2.22:2380"],
            "clientURLs": ["https://192.0.2.22:2379"],
            "isLearner": True,
        },
        {"ID": "13", "peerURLs": ["https://192.0.2.23:2380"], "isLearner": True},
    ],
}


def voter(name: str, healthy: bool = True) -> etcd.Member:
    return etcd.Member(name, name, f"192.0.2.2{name[-1]}", "x", False, healthy)


def test_members_are_read_with_ids_beyond_64_bit_floats() -> None:
    unnamed, first, second = etcd.parse_members(REPLY)
    assert (first.id, first.voter, second.voter) == ("10501334649042878790", True, False)
    assert (unnamed.name, unnamed.peer_address, unnamed.client_address) == ("", "192.0.2.23", "")


def test_problems_name_learners_unstarted_and_silent_members() -> None:
    found = [*etcd.parse_members(REPLY)[:1], voter("cp1"), voter("cp2", healthy=False)]
    assert etcd.problems(found) == [
        "etcd member 192.0.2.23 is a learner",
        "etcd member cp2 is not healthy",
    ]
    assert etcd.problems([voter("cp1"), voter("cp2")]) == []


def test_learner_may_always_go() -> None:
    learner = etcd.Member("9", "", "192.0.2.23", "", True)
    etcd.check_removal([voter("cp1", healthy=False), learner], learner)


def test_voter_may_go_only_when_all_others_are_healthy() -> None:
    etcd.check_removal([voter("cp1"), voter("cp2"), voter("cp3", healthy=False)], voter("cp3"))
    with pytest.raises(UnsafeError, match="cp2"):
        etcd.check_removal([voter("cp1"), voter("cp2", healthy=False), voter("cp3")], voter("cp3"))
    with pytest.raises(UnsafeError, match="0 voters"):
        etcd.check_removal([voter("cp1")], voter("cp1"))


def node(status: str, message: str = "", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "n1", "labels": labels},
        "status": {
            "conditions": [{"type": "Ready", "status": status, "message": message}],
            "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
        },
    }


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (node("True"), "ready"),
        (node("False", "container runtime network not ready: NetworkReady=false"), "not_ready"),
        (
            node("False", "reason:NetworkPluginNotReady message:cni plugin not initialized"),
            "waits_for_network",
        ),
        (node("Unknown", "Kubelet stopped posting node status."), "not_ready"),
        ({"metadata": {"name": "n1"}}, "not_ready"),
    ],
)
def test_state_of_a_node(found: dict[str, Any], state: str) -> None:
    assert nodes.parse_node(found).state == state


def test_missing_nodes_are_named_with_the_reason() -> None:
    known = [nodes.parse_node(node("Unknown", "stopped posting"))]
    assert nodes.missing_nodes(known, ["n1", "n2"]) == [
        "node n1 is not ready: stopped posting",
        "node n2 is not registered",
    ]


def test_kubeconfig_fields_are_read_without_a_yaml_parser() -> None:
    made = authority("one")
    found = parse_kubeconfig(kubeconfig(made))
    assert found.server == "https://api.example.org:8443"
    assert fingerprint(found.ca) == made.fingerprint
    assert "BEGIN" in found.key


@pytest.mark.parametrize("text", ["", "server: https://a:1\n", "certificate-authority-data: %%\n"])
def test_cut_kubeconfig_is_an_error(text: str) -> None:
    with pytest.raises(PlatformError):
        parse_kubeconfig(text)


def test_controller_goes_to_the_address_and_checks_the_name() -> None:
    text = access.through_address(
        kubeconfig(authority("one")), "192.0.2.5", 8443, "api.example.org"
    )
    assert "    server: https://192.0.2.5:8443\n    tls-server-name: api.example.org\n" in text
    with pytest.raises(PlatformError, match="found 0"):
        access.through_address("", "192.0.2.5", 8443, "api.example.org")


def test_kubeconfig_is_renewed_at_half_time_and_for_another_cluster(tmp_path: Path) -> None:
    path, made = tmp_path / "kubeconfig", authority("one")
    assert "does not exist" in access.why_renew(path, [])
    path.write_text(kubeconfig(made))
    now = datetime.now(timezone.utc)
    assert access.why_renew(path, [made.fingerprint], now) == ""
    assert access.why_renew(path, [], now + timedelta(hours=11)) == ""
    assert "11.0 h more" in access.why_renew(path, [], made.ends - timedelta(hours=11))
    assert "another cluster" in access.why_renew(path, [authority("two").fingerprint], now)
    path.write_text("cut")
    assert "cannot be used" in access.why_renew(path, [], now)


def test_missing_sealed_copies(tmp_path: Path) -> None:
    (tmp_path / "a.age").touch()
    assert access.missing_escrow(tmp_path, ["b.age", "a.age", "b.age"]) == ["b.age"]

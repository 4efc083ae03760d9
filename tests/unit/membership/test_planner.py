"""Tables of the planner: each state that a run can leave, and what the next run does."""

from __future__ import annotations

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.module_utils.membership.orders import (
    check_refusals,
    describe_drift,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.planner import (
    Inventory,
    Plan,
    make_plan,
)

from tests.unit.membership.builders import (
    CONTROL_PLANES,
    OURS,
    THEIRS,
    WORKERS,
    Observation,
    bare,
    beside,
    foreign,
    half_initialized,
    half_joined,
    intent,
    member,
)

INVENTORY = Inventory(CONTROL_PLANES, WORKERS, version="1.36.3")
ALL = CONTROL_PLANES + WORKERS


def plan(*found: Observation, inventory: Inventory = INVENTORY) -> Plan:
    return make_plan(inventory, {item["name"]: item for item in found})


def actions(result: Plan) -> dict[str, str]:
    return {name: host.action for name, host in result.hosts.items()}


def why(result: Plan, name: str) -> str:
    return " ".join(result.hosts[name].reasons)


def test_blank_site_starts_on_the_first_control_plane_and_joins_the_rest() -> None:
    result = plan(*(bare(name) for name in ALL))
    assert actions(result) == {
        "cp1": "init",
        "cp2": "join",
        "cp3": "join",
        "app1": "join",
        "db1": "join",
    }
    assert result.leader == "cp1"
    assert not any(host.reset for host in result.hosts.values())


def test_formed_cluster_needs_nothing() -> None:
    result = plan(*(member(name) for name in ALL))
    assert set(actions(result).values()) == {"nothing"}
    assert (result.warnings, result.revoke) == ((), False)


def test_blank_worker_joins_a_live_cluster() -> None:
    found = [member(name) for name in CONTROL_PLANES]
    result = plan(*found, beside(bare("app1"), CONTROL_PLANES))
    assert actions(result)["app1"] == "join"
    assert result.leader == "cp1"


def test_any_live_control_plane_leads() -> None:
    dead = member("cp1", ("cp2", "cp3")) | {"api_ready": False, "etcd": None}
    result = plan(dead, member("cp2"), member("cp3"), beside(bare("app1"), ("cp2", "cp3")))
    assert result.leader == "cp2"
    assert actions(result) == {"cp1": "nothing", "cp2": "nothing", "cp3": "nothing", "app1": "join"}
    assert any("cp1" in line for line in result.warnings)


@pytest.mark.parametrize(
    ("inventory", "seen", "said"),
    [
        (
            Inventory(("cp1", "cp2"), WORKERS, ("cp3",)),
            ("cp1", "cp2", "app1"),
            "cp3 is in group absent",
        ),
        (INVENTORY, ("cp1", "cp3", "app1"), "cp2 was not seen"),
        (INVENTORY, ("cp2",), "cp1 was not seen"),
        (INVENTORY, WORKERS, "cp1 was not seen"),
    ],
)
def test_unseen_or_absent_control_plane_forbids_init(
    inventory: Inventory, seen: tuple[str, ...], said: str
) -> None:
    result = plan(*(bare(name) for name in seen), inventory=inventory)
    assert set(actions(result).values()) == {"refuse"}
    assert all(said in why(result, name) for name in seen)


def test_answering_endpoint_forbids_init() -> None:
    found = [bare(name) | {"endpoint": "ready"} for name in ALL]
    result = plan(*found)
    assert set(actions(result).values()) == {"refuse"}
    assert "the API endpoint answers" in why(result, "cp1")


def test_answering_unseen_control_plane_leads_instead_of_an_init() -> None:
    result = plan(beside(bare("cp2"), ("cp1", "cp3")))
    assert (actions(result), result.leader) == ({"cp2": "join"}, "cp1")


@pytest.mark.parametrize("api", [False, True])
def test_cut_init_is_removed_and_begun_anew_on_the_same_host(api: bool) -> None:
    live = ("cp2",) if api else ()
    result = plan(
        beside(bare("cp1"), live),
        half_initialized("cp2", api=api),
        beside(bare("cp3"), live),
        beside(bare("app1"), live),
    )
    assert actions(result) == {"cp1": "join", "cp2": "init", "cp3": "join", "app1": "join"}
    assert (result.leader, result.hosts["cp2"].reset) == ("cp2", True)


def test_cut_init_that_others_rely_on_is_left_alone() -> None:
    found = half_initialized("cp1", api=True)
    found["nodes"] = [*found["nodes"], member("app1")["node"]]
    result = plan(found, bare("cp2"), bare("cp3"))
    assert set(actions(result).values()) == {"refuse"}
    assert "app1" in why(result, "cp1")


def test_two_cut_inits_are_refused() -> None:
    result = plan(half_initialized("cp1"), half_initialized("cp2"), bare("cp3"))
    assert set(actions(result).values()) == {"refuse"}


def test_cut_init_beside_a_live_cluster_is_refused() -> None:
    result = plan(half_initialized("cp1"), member("cp2", ("cp2", "cp3")), member("cp3"))
    assert actions(result)["cp1"] == "refuse"
    assert "two clusters must not be mixed" in why(result, "cp1")


@pytest.mark.parametrize("name", ["cp3", "app1"])
def test_cut_join_is_removed_and_begun_anew(name: str) -> None:
    result = plan(member("cp1"), member("cp2"), half_joined(name, ("cp1", "cp2")))
    assert (result.hosts[name].action, result.hosts[name].reset) == ("join", True)


@pytest.mark.parametrize("name", ["cp3", "app1"])
def test_join_that_is_complete_in_the_cluster_is_only_closed(name: str) -> None:
    found = half_joined(name, CONTROL_PLANES, complete=True)
    result = plan(member("cp1"), member("cp2"), found)
    assert (result.hosts[name].action, result.hosts[name].reset) == ("finish", False)


def test_unlabelled_control_plane_is_no_complete_join() -> None:
    found = half_joined("cp3", CONTROL_PLANES, complete=True)
    found["node"] = found["node"] | {"control_plane": False}
    assert plan(member("cp1"), found).hosts["cp3"].action == "join"


def test_cut_join_to_a_cluster_that_was_rebuilt_is_removed() -> None:
    found = half_joined("app1", CONTROL_PLANES) | {"intent": intent("join", "app1", ca=THEIRS)}
    assert plan(member("cp1"), found).hosts["app1"].reset


def test_cut_join_over_state_of_another_cluster_is_refused() -> None:
    found = half_joined("app1", CONTROL_PLANES) | {"ca": THEIRS}
    result = plan(member("cp1"), found)
    assert actions(result)["app1"] == "refuse"


def test_dead_leader_of_a_cut_join_forbids_any_init() -> None:
    result = plan(half_joined("cp2", ()), bare("cp1"), bare("cp3"))
    assert set(actions(result).values()) == {"refuse"}
    assert "was joining a cluster" in why(result, "cp1")


def test_leftovers_of_another_cluster_are_refused_with_evidence() -> None:
    result = plan(*(bare(name) for name in CONTROL_PLANES), foreign("app1"))
    assert actions(result)["app1"] == "refuse"
    assert "/etc/kubernetes/pki/ca.crt" in why(result, "app1")
    assert THEIRS[:16] in why(result, "app1")


@pytest.mark.parametrize("seen", [("cp1", "cp2", "cp3", "app1"), ("app1",)])
def test_leftovers_beside_a_live_cluster_are_refused(seen: tuple[str, ...]) -> None:
    found = [foreign(name, CONTROL_PLANES) if name == "app1" else member(name) for name in seen]
    result = plan(*found)
    assert actions(result)["app1"] == "refuse"
    assert "another cluster" in why(result, "app1")


def test_leftovers_without_authority_are_refused() -> None:
    found = beside(bare("app1"), CONTROL_PLANES) | {"leftovers": ["/var/lib/etcd/member"]}
    assert actions(plan(member("cp1"), found))["app1"] == "refuse"


def test_two_clusters_on_the_control_planes_are_refused() -> None:
    result = plan(member("cp1", ("cp1",)), member("cp2", ("cp2",), THEIRS), member("app1"))
    assert set(actions(result).values()) == {"refuse"}
    assert "different clusters" in why(result, "app1")


def test_removed_node_is_refused_and_not_joined_again() -> None:
    found = member("app1") | {"node": {"state": "missing", "detail": "the API knows no node app1"}}
    assert actions(plan(member("cp1"), found))["app1"] == "refuse"


def test_member_that_cannot_reach_the_api_is_left_and_named() -> None:
    found = member("app1") | {"node": {"state": "unknown", "detail": "timed out"}}
    result = plan(member("cp1"), found)
    assert actions(result)["app1"] == "nothing"
    assert any("app1" in line and "timed out" in line for line in result.warnings)


def test_lost_control_plane_refuses_control_planes_and_leaves_workers() -> None:
    down = {"api_ready": False, "etcd": None, "detail": "etcd 127.0.0.1: HTTP 503"}
    found = [member(name, ()) | down for name in CONTROL_PLANES]
    unknown = {"node": {"state": "unknown", "detail": "timed out"}}
    result = plan(*found, member("app1", ()) | unknown | {"endpoint": "silent"})
    assert actions(result) == {"cp1": "refuse", "cp2": "refuse", "cp3": "refuse", "app1": "nothing"}
    assert "HTTP 503" in why(result, "cp1")


def test_other_version_is_named_as_upgrade() -> None:
    found = [member(name) | {"version": "1.35.4"} for name in CONTROL_PLANES]
    result = plan(*found, member("app1"))
    assert actions(result) == {
        "cp1": "upgrade",
        "cp2": "upgrade",
        "cp3": "upgrade",
        "app1": "nothing",
    }


def test_credentials_left_by_a_cut_run_are_taken_back() -> None:
    left = member("cp1") | {"join_secrets": ["kubeadm-certs"]}
    assert plan(left, member("cp2"), member("cp3")).revoke


def test_live_means_own_authority() -> None:
    assert plan(member("cp1")).hosts["cp1"].reasons == ("is a member",)
    assert OURS != THEIRS


def test_other_configuration_is_named_and_changes_nothing() -> None:
    inventory = Inventory(CONTROL_PLANES, WORKERS, configuration="new")
    record = {"action": "join", "ca": OURS, "configuration": "old"}
    result = plan(
        *(member(name) | {"record": record} for name in CONTROL_PLANES),
        member("app1") | {"record": record},
        inventory=inventory,
    )
    assert actions(result) == dict.fromkeys(CONTROL_PLANES, "reconfigure") | {"app1": "nothing"}
    check_refusals(result)
    (said,) = describe_drift(result)
    assert "cp1, cp2, cp3" in said
    assert "old, wanted new" in said


def test_refusals_of_all_hosts_are_in_one_message() -> None:
    result = plan(*(bare(name) for name in CONTROL_PLANES), foreign("app1"), foreign("db1"))
    with pytest.raises(UnsafeError, match=r"Nothing was touched on any host\. app1: .* \| db1: "):
        check_refusals(result)


def test_upgrade_is_refused_by_name() -> None:
    with pytest.raises(UnsafeError, match=r"cp1: runs 1\.35\.4, wanted 1\.36\.3"):
        check_refusals(plan(member("cp1") | {"version": "1.35.4"}))

"""Orders that plays read, and the hosts that each play finds."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.filter.membership import (
    membership_arrived,
    membership_targets,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.membership.orders import (
    NOBODY,
    Site,
    describe,
    make_orders,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.planner import make_plan

from tests.unit.membership.builders import (
    ADDRESSES,
    CONTROL_PLANES,
    WORKERS,
    bare,
    beside,
    half_joined,
    member,
)

TAINT = {"key": "dedicated", "value": "database", "effect": "NoSchedule"}
SITE = Site(
    control_planes=CONTROL_PLANES,
    members=[
        {"name": name, "address": address, "pool": "database" if name == "db1" else ""}
        for name, address in ADDRESSES.items()
    ],
    absent_control_planes=(),
    version="1.36.3",
    pools={"database": {"taints": [TAINT]}, "application": {}},
)
GROUPS = {"kube_control_plane": list(CONTROL_PLANES), "kube_node": list(WORKERS)}


def orders() -> dict[str, Any]:
    seen = {name: bare(name) for name in CONTROL_PLANES + WORKERS}
    seen["app1"] = half_joined("app1", ())
    plan = make_plan(SITE.inventory(), seen)
    assert describe(plan)[0].startswith("cp1 | init: ")
    return {**make_orders(SITE, plan, seen), "complete_on": "cp1"}


def test_orders_name_nodes_roles_taints_and_half_done_work() -> None:
    found = orders()
    assert found["leader"]["name"] == "cp1"
    assert found["hosts"]["cp2"]["node"] == {
        "name": "cp2",
        "address": "192.0.2.22",
        "role": "control_plane",
        "taints": [],
    }
    assert [(item["name"], item["half_done"]) for item in found["joining_workers"]] == [
        ("app1", True),
        ("db1", False),
    ]
    assert found["joining_workers"][1]["taints"] == [TAINT]
    assert found["whole"] is True
    assert found["expected_nodes"] == ["cp1", "cp2", "cp3", "app1", "db1"]


def test_stranger_is_refused() -> None:
    with pytest.raises(InputError, match="x9 is no member"):
        SITE.node("x9")


@pytest.mark.parametrize(
    ("what", "hosts"),
    [
        ("initialize", ["cp1"]),
        ("join_control_plane", ["cp2", "cp3"]),
        ("join_worker", ["app1", "db1"]),
        ("finish", [NOBODY]),
        ("complete", ["cp1"]),
    ],
)
def test_each_play_finds_its_hosts(what: str, hosts: list[str]) -> None:
    hostvars: dict[str, dict[str, Any]] = {name: {} for name in CONTROL_PLANES + WORKERS}
    hostvars["cp2"]["cluster_membership_orders"] = orders()
    assert membership_targets(hostvars, GROUPS, what) == hosts


@pytest.mark.parametrize("known", [{}, {"cp1": {"cluster_membership_orders": {"skipped": True}}}])
def test_without_orders_no_play_finds_a_host(known: dict[str, dict[str, Any]]) -> None:
    assert membership_targets(known, GROUPS, "initialize") == [NOBODY]
    assert membership_targets({}, {}, "complete") == [NOBODY]


def test_failed_and_unreached_hosts_are_not_waited_for() -> None:
    hostvars: dict[str, dict[str, Any]] = {
        "cp1": {"cluster_membership_done": {"changed": True}},
        "cp2": {"cluster_membership_done": {"failed": True}},
        "cp3": {},
    }
    wanted = {"expected_nodes": ["cp1", "cp2", "cp3"]}
    assert membership_arrived(hostvars, wanted) == ["cp1"]


def test_joining_workers_need_no_whole_control_plane() -> None:
    seen = {name: member(name) for name in CONTROL_PLANES}
    seen["app1"] = beside(bare("app1"), CONTROL_PLANES)
    found = make_orders(SITE, make_plan(SITE.inventory(), seen), seen)
    assert (found["expected_nodes"], found["whole"]) == (["app1"], False)

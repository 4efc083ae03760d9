# SPDX-License-Identifier: GPL-3.0-or-later
"""Members, hosts entries and live hosts, and how their errors reach an operator."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.biomax.platform.plugins.filter.inventory import FilterModule
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.inventory import (
    hosts_entries,
    inventory_members,
    live_host,
)
from hypothesis import given
from hypothesis import strategies as st

GROUPS = {
    "all": ["m1", "cp1", "cp2", "w1", "w2"],
    "kube_control_plane": ["cp1", "cp2"],
    "kube_node": ["w1", "w2"],
    "pool_a": ["w1"],
    "pool_b": ["w2"],
    "absent": ["cp2"],
}
HOSTVARS: dict[str, dict[str, object]] = {
    "m1": {"node_address": "192.0.2.10"},
    "cp1": {"node_address": "192.0.2.21", "failure_domain": "a"},
    "cp2": {"node_address": "192.0.2.22", "failure_domain": "b"},
    "w1": {"node_address": "2001:db8::31"},
    "w2": {"node_address": "2001:db8::32"},
}
POOLS = {"a": {"group": "pool_a"}, "b": {"group": "pool_b"}}


def names(members: list[dict[str, str]]) -> list[str]:
    return [member["name"] for member in members]


def test_members_are_complete_and_in_order() -> None:
    assert inventory_members(GROUPS, HOSTVARS, ["kube_node", "kube_control_plane"], POOLS) == [
        {"name": "w1", "address": "2001:db8::31", "pool": "a", "failure_domain": ""},
        {"name": "w2", "address": "2001:db8::32", "pool": "b", "failure_domain": ""},
        {"name": "cp1", "address": "192.0.2.21", "pool": "", "failure_domain": "a"},
    ]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [([], []), (["nothing"], []), (["pool_a", "kube_node", "pool_a"], ["w1", "w2"])],
)
def test_members_of_no_unknown_or_repeated_groups(groups: list[str], expected: list[str]) -> None:
    assert names(inventory_members(GROUPS, HOSTVARS, groups)) == expected


def test_a_member_needs_an_address() -> None:
    with pytest.raises(InputError, match="Host w1 has no node_address"):
        inventory_members(GROUPS, {**HOSTVARS, "w1": {}}, ["kube_node"])


def test_an_absent_host_needs_none() -> None:
    members = inventory_members(GROUPS, {**HOSTVARS, "cp2": {}}, ["kube_control_plane"])
    assert names(members) == ["cp1"]


def test_absent_hosts_are_kept_when_told() -> None:
    members = inventory_members(GROUPS, HOSTVARS, ["kube_control_plane"], with_absent=True)
    assert names(members) == ["cp1", "cp2"]


def test_a_host_in_two_pools_is_refused() -> None:
    pools = {**POOLS, "c": {"group": "kube_node"}}
    with pytest.raises(InputError, match="Host w1 is in two pools, a and c"):
        inventory_members(GROUPS, HOSTVARS, ["kube_node"], pools)


@pytest.mark.parametrize(
    "arguments",
    [
        (["cp1"], HOSTVARS, ["kube_node"]),
        (GROUPS, HOSTVARS, "kube_node"),
        (GROUPS, {**HOSTVARS, "w1": {"node_address": 7}}, ["kube_node"]),
        (GROUPS, HOSTVARS, ["kube_node"], ["a"]),
    ],
)
def test_members_of_the_wrong_type(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="Expected"):
        inventory_members(*arguments)


def test_hosts_entries_join_the_names_of_an_address() -> None:
    extra = [
        {"name": "api.x.test", "address": "192.0.2.5"},
        {"name": "mirror.x.test", "address": "192.0.2.10", "url": "https://mirror.x.test"},
        {"name": "m1.x.test", "address": "192.0.2.10"},
    ]
    assert hosts_entries("m1", HOSTVARS, "x.test", extra) == [
        {"address": "192.0.2.10", "names": ["m1.x.test", "m1", "mirror.x.test"]},
        {"address": "192.0.2.5", "names": ["api.x.test"]},
    ]


def test_hosts_entries_of_the_controller_are_the_given_names() -> None:
    extra = [{"name": "api.x.test", "address": "192.0.2.5"}]
    assert hosts_entries("localhost", {"localhost": {}}, "x.test", extra) == [
        {"address": "192.0.2.5", "names": ["api.x.test"]}
    ]


@pytest.mark.parametrize(
    ("domain", "extra", "message"),
    [
        ("", [], "the site's domain"),
        ("x.test", [{"name": "only"}], "entries with address and name"),
        ("x.test", ["text"], "entries with address and name"),
        ("x.test", [{"name": "m1", "address": "192.0.2.99"}], "m1 is given two addresses"),
    ],
)
def test_hosts_entries_refuse(domain: str, extra: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        hosts_entries("m1", HOSTVARS, domain, extra)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.ip_addresses().map(str)))
def test_hosts_entries_do_not_depend_on_other_hosts(addresses: dict[str, str]) -> None:
    """A node that comes or goes must not change the hosts file of another one."""
    others: dict[str, dict[str, object]] = {
        name: {"node_address": address} for name, address in addresses.items()
    }
    hostvars = {**others, "m1": HOSTVARS["m1"]}
    alone = hosts_entries("m1", {"m1": HOSTVARS["m1"]}, "x.test")
    assert hosts_entries("m1", hostvars, "x.test") == alone


@pytest.mark.parametrize(
    ("candidates", "absent", "unreachable", "host"),
    [
        (["a"], [], [], "a"),
        (["a", "b"], ["a"], [], "b"),
        (["a", "b", "c"], ["a"], ["b"], "c"),
        (["b", "a"], ["elsewhere"], [], "b"),
    ],
)
def test_live_host(
    candidates: list[str], absent: list[str], unreachable: list[str], host: str
) -> None:
    assert live_host(candidates, absent, unreachable) == host


@pytest.mark.parametrize("candidates", [[], ["a", "b"]])
def test_no_live_host_is_an_error_that_names_the_dead(candidates: list[str]) -> None:
    with pytest.raises(InputError, match=r"No live host .*absent: a; unreachable: b"):
        live_host(candidates, ["a"], ["b"])


def test_live_host_wants_a_list() -> None:
    with pytest.raises(InputError, match="Expected a list of host names, found 'cp1'"):
        live_host("cp1")


def test_an_error_carries_the_name_of_the_filter() -> None:
    with pytest.raises(AnsibleFilterError, match=r"biomax\.platform\.live_host: No live host"):
        FilterModule().filters()["live_host"]([])

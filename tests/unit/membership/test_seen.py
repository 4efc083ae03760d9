"""What the host layer saw of members, and who is asked once more."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.filter.membership import membership_unseen
from ansible_collections.biomax.platform.plugins.module_utils.membership.orders import NOBODY
from ansible_collections.biomax.platform.plugins.module_utils.membership.seen import observations

NAMES = ["cp1", "cp2", "app1"]
GROUPS = {"kube_control_plane": ["cp1", "cp2"], "kube_node": ["app1", "app2"], "absent": ["app2"]}


def host(layer: Any = None, look: Any = None) -> dict[str, Any]:
    results = {"site_host_layer": layer, "cluster_membership_seen": look}
    return {name: value for name, value in results.items() if value is not None}


def at_rest(name: str, when: str = "layer") -> dict[str, Any]:
    return {"observation": {"name": name, "when": when}}


RESTING = {name: host(at_rest(name)) for name in NAMES}
MOVED = {**RESTING, "cp2": host({"changed": True, "observation": {}})}


@pytest.mark.parametrize(
    ("hostvars", "asked"),
    [
        ({}, [NOBODY]),
        ({name: host() for name in NAMES}, NAMES),
        (RESTING, [NOBODY]),
        (MOVED, NAMES),
        ({**RESTING, "cp2": host({"unreachable": True})}, NAMES),
        ({**RESTING, "cp2": host()}, ["cp2"]),
    ],
    ids=["listing", "alone", "all at rest", "one changed", "one unreachable", "limited"],
)
def test_who_is_looked_at(hostvars: dict[str, Any], asked: list[str]) -> None:
    assert membership_unseen(hostvars, GROUPS) == asked


def test_members_at_rest_are_taken_from_the_host_layer() -> None:
    stale = {name: {**RESTING[name], **host(look=at_rest(name, "earlier"))} for name in NAMES}
    found = observations(NAMES, stale)
    assert {name: row["when"] for name, row in found.items()} == dict.fromkeys(NAMES, "layer")


def test_after_a_change_only_the_look_counts() -> None:
    looked = {name: {**MOVED[name], **host(look=at_rest(name, "look"))} for name in NAMES}
    looked["app1"]["cluster_membership_seen"] = {"unreachable": True}
    assert {name: row["when"] for name, row in observations(NAMES, looked).items()} == {
        "cp1": "look",
        "cp2": "look",
    }
    assert observations(NAMES, MOVED) == {}

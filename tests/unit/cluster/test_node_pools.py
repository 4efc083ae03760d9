"""Pools: wanted comes, ours goes, foreign stays, and a second plan is empty."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.node_pools import (
    OWNED_ANNOTATION,
    Pool,
    check_bounds,
    parse_pools,
    plan_node,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

DATABASE = {
    "labels": {"workload": "database"},
    "taints": [{"key": "dedicated", "value": "database", "effect": "NoSchedule"}],
    "min": 1,
    "max": 3,
}
NOT_READY = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "timeAdded": "t"}


def node(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "db1", **metadata}, "spec": {}}


def patched(item: dict[str, Any], patch: Any) -> dict[str, Any]:
    """Apply a JSON merge patch as RFC 7396 says."""

    def merge(target: Any, change: Any) -> Any:
        if not isinstance(change, dict):
            return change
        result = dict(target) if isinstance(target, dict) else {}
        for key, value in change.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = merge(result.get(key), value)
        return result

    merged: dict[str, Any] = merge(copy.deepcopy(item), patch)
    return merged


def test_a_fresh_node_gets_labels_taints_and_the_record() -> None:
    item = node(labels={"kubernetes.io/hostname": "db1"})
    item["spec"]["taints"] = [NOT_READY]
    plan = plan_node(item, parse_pools({"database": DATABASE})["database"])
    assert plan.patch == {
        "metadata": {
            "labels": {"workload": "database"},
            "annotations": {
                OWNED_ANNOTATION: '{"labels":["workload"],"taints":["dedicated:NoSchedule"]}'
            },
        },
        "spec": {
            "taints": [
                NOT_READY,
                {"key": "dedicated", "effect": "NoSchedule", "value": "database"},
            ]
        },
    }


def test_a_taint_that_left_the_inventory_leaves_the_node() -> None:
    item = patched(node(), plan_node(node(), parse_pools({"database": DATABASE})["database"]).patch)
    item["spec"]["taints"].append(NOT_READY)
    plan = plan_node(item, parse_pools({"database": {**DATABASE, "taints": []}})["database"])
    assert plan.patch["spec"] == {"taints": [NOT_READY]}
    assert plan.before["taints"] == [
        "dedicated=database:NoSchedule",
        "node.kubernetes.io/not-ready=:NoExecute",
    ]


def test_a_node_without_a_pool_loses_what_was_ours() -> None:
    item = patched(node(), plan_node(node(), parse_pools({"database": DATABASE})["database"]).patch)
    after = patched(item, plan_node(item, None).patch)
    assert after["spec"]["taints"] == []
    assert after["metadata"]["labels"] == {}
    assert after["metadata"]["annotations"] == {}
    assert not plan_node(after, None).patch


def test_a_changed_value_replaces_in_place() -> None:
    item = node()
    item["spec"]["taints"] = [
        {"key": "dedicated", "value": "ml", "effect": "NoSchedule"},
        NOT_READY,
    ]
    plan = plan_node(item, parse_pools({"database": DATABASE})["database"])
    assert [taint.get("value") for taint in plan.patch["spec"]["taints"]] == ["database", None]


KEYS = st.sampled_from(["workload", "tier", "example.org/disk", "a", "b"])
VALUES = st.sampled_from(["", "x", "y"])
EFFECTS = st.sampled_from(["NoSchedule", "NoExecute"])
POOLS = st.none() | st.builds(
    lambda labels, taints: Pool("p", labels, taints, 0, 9),
    st.dictionaries(KEYS, VALUES),
    st.dictionaries(st.tuples(KEYS, EFFECTS), VALUES),
)
FOREIGN_TAINTS = st.lists(
    st.builds(
        lambda key, effect: {"key": f"node.kubernetes.io/{key}", "effect": effect}, KEYS, EFFECTS
    ),
    unique_by=lambda taint: (taint["key"], taint["effect"]),
)


@given(first=POOLS, second=POOLS, foreign=FOREIGN_TAINTS)
def test_any_two_declarations_in_turn(
    first: Pool | None, second: Pool | None, foreign: list[dict[str, Any]]
) -> None:
    item = node(labels={"kubernetes.io/os": "linux"})
    item["spec"]["taints"] = foreign
    for pool in (first, second):
        item = patched(item, plan_node(item, pool).patch)
        assert not plan_node(item, pool).patch
    labels = dict(second.labels) if second else {}
    assert item["metadata"]["labels"] == {"kubernetes.io/os": "linux", **labels}
    left = [taint for taint in item["spec"]["taints"] if taint not in foreign]
    assert {(t["key"], t["effect"]): t.get("value", "") for t in left} == dict(
        second.taints if second else {}
    )
    assert [taint for taint in item["spec"]["taints"] if taint in foreign] == foreign


@pytest.mark.parametrize(
    ("pool", "message"),
    [
        ({**DATABASE, "labels": {"a b": "c"}}, "'a b' is no valid key"),
        ({**DATABASE, "labels": {"a": 1}}, "quote numbers"),
        ({**DATABASE, "labels": {"kubernetes.io/os": "x"}}, "belongs to Kubernetes itself"),
        ({**DATABASE, "labels": {"node.kubernetes.io/x": "x"}}, "belongs to Kubernetes itself"),
        ({**DATABASE, "labels": []}, None),
        ({**DATABASE, "labels": ["a"]}, "expected a map"),
        ({**DATABASE, "taints": [{"key": "a", "effect": "Never"}]}, "'Never' is none of"),
        ({**DATABASE, "taints": [{"key": "a"}]}, "expected {key, value, effect}"),
        ({**DATABASE, "taints": "a=b:NoSchedule"}, "expected a list"),
        ({**DATABASE, "taints": DATABASE["taints"] * 2}, "stands twice"),  # type: ignore[operator] # a list
        ({**DATABASE, "min": 4}, "0 <= min <= max"),
        ({**DATABASE, "min": "1"}, "0 <= min <= max"),
        ("database", "expected labels"),
    ],
)
def test_bad_pools(pool: Any, message: str | None) -> None:
    if message is None:
        assert parse_pools({"database": pool})["database"].labels == {}
        return
    with pytest.raises(InputError, match=r"node_pools\.database") as caught:
        parse_pools({"database": pool})
    assert message in str(caught.value)


def test_roles_of_nodes_may_be_labels() -> None:
    pool = {**DATABASE, "labels": {"node-role.kubernetes.io/database": ""}}
    assert parse_pools({"database": pool})["database"].labels


def test_bounds() -> None:
    pools = parse_pools({"database": DATABASE})
    members = [{"name": f"db{index}", "pool": "database"} for index in range(4)]
    check_bounds(pools, members[:3], may_be_small=False)
    check_bounds(pools, [], may_be_small=True)
    with pytest.raises(InputError, match="Pool database has 0 nodes in the inventory, wanted 1"):
        check_bounds(pools, [{"name": "cp1", "pool": ""}], may_be_small=False)
    with pytest.raises(InputError, match="Pool database has 4 nodes"):
        check_bounds(pools, members, may_be_small=True)
    with pytest.raises(InputError, match="Node x1 is in pool gpu"):
        check_bounds(pools, [{"name": "x1", "pool": "gpu"}], may_be_small=True)


@pytest.mark.parametrize("text", ["{", "[]", '{"taints":["x"]}', '{"labels":5}'])
def test_a_damaged_record_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"Node db1: annotation platform\.biomax\.ai/owned"):
        plan_node(node(annotations={OWNED_ANNOTATION: text}), None)

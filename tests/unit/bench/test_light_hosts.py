"""The inventory of twenty light hosts fits the lab's topology and pools."""

from __future__ import annotations

from typing import Any

import yaml

from tests.bench.light_hosts import light_hosts
from tests.support.site import ROOT

GROUP_VARS = ROOT / "inventories/lab/group_vars/all"


def status() -> dict[str, Any]:
    hosts = [{"host": "mirror1", "address": "10.77.9.10"}]
    hosts += [{"host": f"light{n}", "address": f"10.77.9.{100 + n}"} for n in range(1, 21)]
    return {"topology": "light", "hosts": hosts}


def test_every_light_host_is_a_member_once() -> None:
    children = light_hosts(status())["all"]["children"]
    pools = children["kube_node"]["children"]
    members = list(children["kube_control_plane"]["hosts"])
    for pool in pools.values():
        members += pool["hosts"]
    assert members == [f"light{n}" for n in range(1, 21)]
    assert children["kube_control_plane"]["hosts"]["light3"]["node_address"] == "10.77.0.103"
    assert children["mirror"]["hosts"]["mirror1"]["node_address"] == "10.77.0.10"


def test_pools_are_within_their_bounds() -> None:
    pools = light_hosts(status())["all"]["children"]["kube_node"]["children"]
    declared = yaml.safe_load((GROUP_VARS / "cluster.yml").read_text())["node_pools"].values()
    assert {pool["group"] for pool in declared} == pools.keys()
    for pool in declared:
        assert pool["min"] <= len(pools[pool["group"]]["hosts"]) <= pool["max"], pool

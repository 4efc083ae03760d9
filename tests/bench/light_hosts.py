"""The inventory of the lab's twenty light hosts: three control planes, the rest in the pools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NETWORK = "10.77.0."  # as in the lab's inventory; write_inventory puts the instance's in its place
CONTROL_PLANES = 3
# (group of the pool, its last host): within the bounds of the lab's node_pools
POOLS = (("pool_application", 13), ("pool_database", 16), ("pool_ml_inference", 20))
DOMAINS = ("lab-a", "lab-b", "lab-c")


def light_hosts(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of hosts.yml for the hosts of topology `light`.

    Args:
        status: What `lab status --json` says of the instance.
    """
    numbers = {host["host"]: host["address"].rpartition(".")[2] for host in status["hosts"]}
    mirror = {"mirror1": _host(numbers["mirror1"], 0)}
    light = sorted((name for name in numbers if name != "mirror1"), key=lambda name: int(name[5:]))
    pools: dict[str, Any] = {}
    start = CONTROL_PLANES
    for group, end in POOLS:
        pools[group] = _group(light[start:end], numbers)
        start = end
    children = {
        "mirror": {"hosts": mirror},
        "kube_control_plane": _group(light[:CONTROL_PLANES], numbers),
        "kube_node": {"children": pools},
        "absent": {"hosts": {}},
    }
    return {"all": {"children": children}}


def _group(names: Sequence[str], numbers: Mapping[str, str]) -> dict[str, Any]:
    return {"hosts": {name: _host(numbers[name], place) for place, name in enumerate(names)}}


def _host(number: str, place: int) -> dict[str, str]:
    return {
        "node_address": f"{NETWORK}{number}",
        "ansible_host": "{{ node_address }}",
        "node_interface": "host0",
        "failure_domain": DOMAINS[place % len(DOMAINS)],
    }

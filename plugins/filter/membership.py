# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of cluster membership."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.membership.orders import targets
from ansible_collections.biomax.platform.plugins.module_utils.membership.seen import unseen

_WHAT: dict[str, Callable[[str, Mapping[str, Any]], bool]] = {
    "initialize": lambda _name, host: host["action"] == "init",
    "join_control_plane": lambda _name, host: (
        host["action"] == "join" and host["node"]["role"] == "control_plane"
    ),
    "join_worker": lambda _name, host: (
        host["action"] == "join" and host["node"]["role"] == "worker"
    ),
    "finish": lambda _name, host: host["action"] == "finish",
}


def membership_targets(
    hostvars: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]], what: str
) -> list[str]:
    """List the hosts of a step, from the orders that the planning task registered.

    Args:
        hostvars: Ansible's ``hostvars``.
        groups: Ansible's ``groups``; each member that took part in the planning knows all orders.
        what: ``initialize``, ``join_control_plane``, ``join_worker``, ``finish`` or ``complete``.

    Returns:
        Names in the order of the plan; a pattern that matches nobody when there are none.
    """
    known = (name for name in _members(groups) if name in hostvars)  # none while Ansible only lists
    for candidate in known:
        orders = hostvars[candidate].get("cluster_membership_orders")
        if orders and orders.get("hosts"):
            if what == "complete":
                return targets([orders["complete_on"]] if orders["complete_on"] else [])
            chosen = _WHAT[what]
            return targets(name for name, host in orders["hosts"].items() if chosen(name, host))
    return targets([])


def membership_unseen(
    hostvars: Mapping[str, Mapping[str, Any]], groups: Mapping[str, Sequence[str]]
) -> list[str]:
    """List the members whose membership must be looked at.

    Args:
        hostvars: Ansible's ``hostvars``.
        groups: Ansible's ``groups``.

    Returns:
        Names of the members that the host layer has not seen at rest, without absent ones; a
        pattern that matches nobody when there are none.
    """
    gone = {*groups.get("absent", [])}
    return targets(unseen([name for name in _members(groups) if name not in gone], hostvars))


def membership_arrived(
    hostvars: Mapping[str, Mapping[str, Any]], orders: Mapping[str, Any]
) -> list[str]:
    """List the nodes that the closing proof of health must find.

    Args:
        hostvars: Ansible's ``hostvars``.
        orders: What the planning task registered.

    Returns:
        Names of the hosts that were to become members, without those whose own task failed: their
        failure is reported already, and waiting for them would only take time.
    """
    return [
        name
        for name in orders["expected_nodes"]
        if not hostvars[name].get("cluster_membership_done", {"failed": True}).get("failed", False)
    ]


def _members(groups: Mapping[str, Sequence[str]]) -> list[str]:
    return [*dict.fromkeys([*groups.get("kube_control_plane", []), *groups.get("kube_node", [])])]


class FilterModule:
    """Map filter names to functions, as Ansible asks."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "membership_arrived": membership_arrived,
            "membership_targets": membership_targets,
            "membership_unseen": membership_unseen,
        }

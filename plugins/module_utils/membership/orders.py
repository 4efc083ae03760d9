# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as the playbook carries it out: one entry per host, who leads, what closes the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import digest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import planner

# Matches no host and warns about none, unlike the name of a group that does not exist.
NOBODY = "all:!all"


@dataclass(frozen=True)
class Site:
    """The inventory's members.

    Args:
        control_planes: Names, without the absent ones.
        members: All members, each ``{name, address, pool}``, without the absent ones.
        absent_control_planes: Names of control planes that are declared dead.
        version: Kubernetes version wanted.
        pools: ``node_pools``, for the taints that workers register with.
        configuration: Hash of the configuration wanted.
    """

    control_planes: Sequence[str]
    members: Sequence[Mapping[str, Any]]
    absent_control_planes: Sequence[str]
    version: str
    pools: Mapping[str, Mapping[str, Any]]
    configuration: str = ""

    def inventory(self) -> planner.Inventory:
        """Return what the planner takes."""
        return planner.Inventory(
            control_planes=tuple(self.control_planes),
            workers=tuple(
                str(member["name"])
                for member in self.members
                if member["name"] not in self.control_planes
            ),
            absent_control_planes=tuple(self.absent_control_planes),
            version=self.version,
            configuration=self.configuration,
        )

    def node(self, name: str) -> dict[str, Any]:
        """Return a member in the form that the modules take.

        Raises:
            InputError: No member has this name.
        """
        for member in self.members:
            if member["name"] == name:
                worker = name not in self.control_planes
                pool = self.pools.get(str(member.get("pool", "")), {})
                taints = list(pool.get("taints") or []) if worker else []
                return {
                    "name": name,
                    "address": str(member["address"]),
                    "role": planner.WORKER if worker else planner.CONTROL_PLANE,
                    "taints": [dict(taint) for taint in taints],
                }
        raise InputError(f"{name} is no member of the inventory.")


def make_orders(
    site: Site, plan: planner.Plan, observations: planner.Observations
) -> dict[str, Any]:
    """Turn a plan into what the plays read.

    Args:
        site: The inventory's members.
        plan: The plan; without refusals.
        observations: Observation of each host.

    Returns:
        ``leader`` (a node, or empty), ``hosts`` by name, ``joining_workers``, ``expected_nodes``,
        and ``whole``: whether the control plane changes, so that all of it must be healthy.
    """
    hosts: dict[str, dict[str, Any]] = {
        name: {
            "action": host.action,
            "reasons": list(host.reasons),
            "reset": host.reset,
            "half_done": bool(observations[name].get("intent")),
            "node": site.node(name),
        }
        for name, host in plan.hosts.items()
    }
    workers = [
        {**hosts[name]["node"], "half_done": hosts[name]["half_done"]}
        for name in plan.names(planner.JOIN)
        if hosts[name]["node"]["role"] == planner.WORKER
    ]
    expected = plan.names(planner.INIT, planner.JOIN, planner.FINISH)
    return {
        "leader": site.node(plan.leader) if plan.leader else {},
        "hosts": hosts,
        "joining_workers": workers,
        "expected_nodes": expected,
        "whole": any(name in site.control_planes for name in expected),
    }


def check_refusals(plan: planner.Plan) -> None:
    """Stop at the first sight of a refusal: nothing is touched on any host then.

    Raises:
        UnsafeError: The plan refuses a host; the message lists every one with its reasons.
    """
    refused = [
        f"{name}: {'; '.join(host.reasons)}"
        for name, host in plan.hosts.items()
        if host.action == planner.REFUSE
    ]
    upgrades = [
        f"{name}: {'; '.join(host.reasons)}"
        for name, host in plan.hosts.items()
        if host.action == planner.UPGRADE
    ]
    if refused:
        raise UnsafeError("Nothing was touched on any host. " + " | ".join(refused))
    if upgrades:
        raise UnsafeError(
            "The cluster runs another version than the inventory wants, and forming a cluster does"
            f" not upgrade one. Nothing was touched. {' | '.join(upgrades)}."
            " Set kube_version back, or use playbooks/upgrade_cluster.yml when it is available."
        )


def steps(
    site: Site, plan: planner.Plan, observations: planner.Observations
) -> list[dict[str, Any]]:
    """Return the plan as steps that can be approved and compared.

    Args:
        site: The inventory's members.
        plan: The plan.
        observations: Observation of each host.

    Returns:
        A row for each host that has something to do, in the order of the run.
    """
    order = [*plan.names(planner.FINISH), *plan.names(planner.INIT), *plan.names(planner.JOIN)]
    return [
        {
            "role": "cluster_membership",
            "kind": "member",
            "name": name,
            "action": plan.hosts[name].action,
            "detail": "; ".join(plan.hosts[name].reasons),
            "changes": True,
            "derived": False,
            "declared": digest([site.node(name), site.version, site.configuration]),
            "observed": _evidence(observations[name], plan.hosts[name]),
        }
        for name in order
    ]


def _evidence(observation: planner.Observation, host: planner.HostPlan) -> dict[str, Any]:
    """Return what decides a host's plan, in words."""
    intent = observation.get("intent")
    return {
        "state of a cluster": "yes" if observation["leftovers"] else "none",
        "authority": str(observation["ca"])[:16] or "none",
        "begun": str(intent["action"]) if intent else "nothing",
        "reset": host.reset,
    }


def describe(plan: planner.Plan) -> list[str]:
    """Return a line for each host that has something to do."""
    return [
        f"{name} | {host.action}: {'; '.join(host.reasons)}"
        for name, host in plan.hosts.items()
        if host.action not in (planner.NOTHING, planner.RECONFIGURE)
    ]


def describe_drift(plan: planner.Plan) -> list[str]:
    """Say which control planes run with another configuration than the inventory declares."""
    drifted = plan.names(planner.RECONFIGURE)
    if not drifted:
        return []
    return [
        f"{', '.join(drifted)}: {'; '.join(plan.hosts[drifted[0]].reasons)} (certificate names,"
        " flags of the control plane, kubelet or kube-proxy). Forming a cluster does not change"
        " running members; new members get what the cluster has."
    ]


def targets(hosts: Iterable[str]) -> list[str]:
    """Return a host pattern for some names; for none, one that matches nobody without a warning."""
    return list(hosts) or [NOBODY]

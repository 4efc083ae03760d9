# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From observations and inventory to one action per host. Pure: no I/O and no clock.

A host's plan depends on its own observation and on who answers as control plane, which every
member sees from where it stands. So a run limited to one host plans for it what a full run plans;
only init needs all control planes, because one that was not seen may hold the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.membership.nodes import (
    READY,
    WAITS_FOR_NETWORK,
)

INIT = "init"
JOIN = "join"
FINISH = "finish"  # the join is complete in the cluster, only our ledger does not know yet
NOTHING = "nothing"
UPGRADE = "upgrade"
RECONFIGURE = "reconfigure"  # a member that runs as it was formed, while another form is declared
REFUSE = "refuse"

CONTROL_PLANE = "control_plane"
WORKER = "worker"

Observation = Mapping[str, Any]
Observations = Mapping[str, Observation]


@dataclass(frozen=True)
class Inventory:
    """Members as declared.

    Args:
        control_planes: Names in inventory order, without the absent ones.
        workers: Names in inventory order, without the absent ones.
        absent_control_planes: Control planes that are declared dead.
        version: Kubernetes version wanted, without the v.
        configuration: Hash of the configuration wanted; empty when it is not compared.
    """

    control_planes: tuple[str, ...]
    workers: tuple[str, ...] = ()
    absent_control_planes: tuple[str, ...] = ()
    version: str = ""
    configuration: str = ""

    @property
    def members(self) -> tuple[str, ...]:
        """All members, control planes first."""
        return self.control_planes + self.workers

    def role(self, name: str) -> str:
        """Return the role of a member."""
        return CONTROL_PLANE if name in self.control_planes else WORKER


@dataclass(frozen=True)
class HostPlan:
    """What happens to one host.

    Args:
        action: ``init``, ``join``, ``finish``, ``nothing``, ``upgrade``, ``reconfigure`` or
            ``refuse``.
        reasons: Why, in sentences for the operator.
        reset: Whether our own half-done work is removed from the host first.
    """

    action: str
    reasons: tuple[str, ...]
    reset: bool = False


@dataclass(frozen=True)
class Plan:
    """What happens to all hosts.

    Args:
        hosts: Plan of each host that was observed.
        leader: Control plane that acts for the cluster; empty when there is none.
        warnings: What the operator should know although nothing is refused.
        revoke: Whether credentials of an earlier join are still in the cluster.
    """

    hosts: dict[str, HostPlan]
    leader: str = ""
    warnings: tuple[str, ...] = ()
    revoke: bool = False

    def names(self, *actions: str) -> list[str]:
        """Hosts with one of the actions, in the order of the plan."""
        return [name for name, host in self.hosts.items() if host.action in actions]


@dataclass(frozen=True)
class View:
    """The cluster as the observed hosts see it together.

    Args:
        live: Observed control planes whose own API server and etcd member are healthy.
        leaders: Control planes that may act for the cluster: the live ones, then those that
            answer and were not observed; both in inventory order.
        authorities: Fingerprints of the authorities of the live ones.
        elsewhere: Evidence that an API answers that no observed half-done init explains.
    """

    live: tuple[str, ...] = ()
    leaders: tuple[str, ...] = ()
    authorities: frozenset[str] = field(default_factory=frozenset)
    elsewhere: tuple[str, ...] = ()


def make_plan(inventory: Inventory, observations: Observations) -> Plan:
    """Decide what happens to each observed host.

    Args:
        inventory: Members as declared.
        observations: Observation of each host that was seen, by name.

    Returns:
        The plan; a refusal of any host is a plan too, and the caller stops at it.
    """
    seen = {name: observations[name] for name in inventory.members if name in observations}
    view = look(inventory, seen)
    if len(view.authorities) > 1:
        return _refuse_all(seen, _two_clusters(seen, view))
    if view.leaders:
        hosts = {name: _with_cluster(inventory, seen[name], view) for name in seen}
        leader = view.leaders[0]  # any of them would do
    else:
        hosts, leader = _without_cluster(inventory, seen, view)
    return Plan(
        hosts=hosts,
        leader=leader,
        warnings=tuple(_warnings(seen, hosts)),
        revoke=any(seen[name].get("join_secrets") for name in view.live),
    )


def look(inventory: Inventory, seen: Observations) -> View:
    """Gather what the observed hosts say about the cluster."""
    live = tuple(name for name in inventory.control_planes if name in seen and _is_live(seen[name]))
    answering = {
        name
        for observation in seen.values()
        for name, state in observation.get("peers", {}).items()
        if state == READY
    }
    unseen = [name for name in inventory.control_planes if name in answering and name not in seen]
    begun = {name for name in seen if _half_done(seen[name]) == INIT}
    elsewhere = [f"the API server of {name} answers" for name in sorted(answering - begun)]
    if not begun and any(item.get("endpoint") == READY for item in seen.values()):
        elsewhere.append("the API endpoint answers")
    return View(
        live=live,
        leaders=(*live, *unseen),
        authorities=frozenset(str(seen[name]["ca"]) for name in live),
        elsewhere=tuple(elsewhere),
    )


def _is_live(observation: Observation) -> bool:
    """Whether a finished control plane has a ready API server and a healthy voting etcd member."""
    return (
        observation["role"] == CONTROL_PLANE
        and not observation.get("intent")
        and bool(observation.get("api_ready"))
        and _etcd_voter(observation)
    )


def _etcd_voter(observation: Observation) -> bool:
    return any(
        member["peer_address"] == observation["address"]
        and not member["learner"]
        and member["healthy"]
        for member in observation.get("etcd") or ()
    )


def _half_done(observation: Observation) -> str:
    """The action of our own unfinished work on a host; empty when there is none."""
    intent = observation.get("intent")
    return str(intent["action"]) if intent else ""


def _registered(observation: Observation) -> bool:
    return observation["node"]["state"] in (READY, WAITS_FOR_NETWORK, "not_ready")


def _with_cluster(inventory: Inventory, observation: Observation, view: View) -> HostPlan:
    """Plan a host while a live control plane exists."""
    half_done = _half_done(observation)
    if half_done == INIT:
        return HostPlan(
            REFUSE,
            (
                f"an init that was begun here at {observation['intent']['started']} is not"
                f" finished, and {view.leaders[0]} already runs a cluster; two clusters must not"
                " be mixed. Reset this host, then run again",
            ),
        )
    if half_done == JOIN:
        return _half_joined(observation)
    if not observation["leftovers"]:
        return HostPlan(JOIN, (f"the host is blank and {view.leaders[0]} is live",))
    return _settled(inventory, observation, view)


def _half_joined(observation: Observation) -> HostPlan:
    """Plan a host with a half-done join of ours: finished in the cluster, or begun anew."""
    intent = observation["intent"]
    begun = f"the join begun at {intent['started']}"
    found = str(observation["ca"])
    if found and intent["ca"] and found != intent["ca"]:
        return HostPlan(
            REFUSE,
            (
                f"{begun} was to the cluster with CA {intent['ca'][:16]}, but the state on the"
                f" host belongs to CA {found[:16]}: {_evidence(observation)}",
            ),
        )
    complete = _registered(observation) and observation["kubelet_active"]
    if observation["role"] == CONTROL_PLANE:
        labelled = bool(observation["node"].get("control_plane"))
        complete = complete and labelled and observation["api_ready"] and _etcd_voter(observation)
    if complete:
        return HostPlan(FINISH, (f"{begun} is complete in the cluster",))
    why = intent.get("failed") or "it was cut"
    return HostPlan(JOIN, (f"{begun} is not complete ({why}); it is removed and begun anew",), True)


def _settled(inventory: Inventory, observation: Observation, view: View) -> HostPlan:
    """Plan a host that holds cluster state and no unfinished work of ours."""
    evidence = _evidence(observation)
    own = str(observation["ca"])
    node = observation["node"]
    record = observation.get("record") or {}
    foreign = bool(view.authorities) and own not in view.authorities
    if foreign or observation.get("endpoint_trusted") is False:
        theirs = next(iter(view.authorities), "")[:16] or "another one"
        return HostPlan(
            REFUSE,
            (
                f"state of another cluster (this cluster's CA is {theirs}): {evidence}. Nothing"
                " was touched; save what is needed and reset the host",
            ),
        )
    if _registered(observation):
        running = observation["version"] or node["version"]
        if inventory.version and running and running != inventory.version:
            return HostPlan(UPGRADE, (f"runs {running}, wanted {inventory.version}",))
        formed = record.get("configuration") or inventory.configuration
        if observation["role"] == CONTROL_PLANE and formed != inventory.configuration:
            return HostPlan(
                RECONFIGURE,
                (f"was formed with configuration {formed}, wanted {inventory.configuration}",),
            )
        return HostPlan(NOTHING, ("is a member",))
    if node["state"] == "unknown" and own and record.get("ca") == own:
        return HostPlan(NOTHING, ("is a member that cannot reach the API now",))
    return HostPlan(
        REFUSE,
        (
            f"state that this cluster does not confirm ({node['detail']}): {evidence}. Nothing was"
            " touched; if the host may go, reset it and run again",
        ),
    )


def _without_cluster(
    inventory: Inventory, seen: Observations, view: View
) -> tuple[dict[str, HostPlan], str]:
    """Plan all hosts while no live control plane exists: init, or say what forbids it."""
    begun = [name for name in inventory.control_planes if _half_done(seen.get(name, {})) == INIT]
    forbidden = [*_forbids_init(inventory, seen), *view.elsewhere]
    if len(begun) > 1:
        forbidden.append(f"init was begun on {' and '.join(begun)}")
    if forbidden or not inventory.control_planes:
        return {name: _stuck(seen[name], forbidden) for name in seen}, ""
    first = begun[0] if begun else inventory.control_planes[0]
    hosts = {name: _around_init(seen[name], name, first) for name in seen}
    return hosts, first


def _forbids_init(inventory: Inventory, seen: Observations) -> list[str]:
    """Why no cluster may be started: a control plane that was not seen blank."""
    reasons = [
        f"control plane {name} is in group absent" for name in inventory.absent_control_planes
    ]
    for name in inventory.control_planes:
        if name not in seen:
            reasons.append(f"control plane {name} was not seen")
        elif _half_done(seen[name]) == INIT:
            reasons += _holds_more_than_itself(seen[name])
        elif _half_done(seen[name]) == JOIN:
            reasons.append(f"control plane {name} was joining a cluster that does not answer now")
        elif seen[name]["leftovers"]:
            reasons.append(f"control plane {name} is not blank: {_evidence(seen[name])}")
    return reasons


def _holds_more_than_itself(observation: Observation) -> list[str]:
    """Why a half-done init must not be removed: somebody already relies on it."""
    name = str(observation["name"])
    members = [item["name"] or item["peer_address"] for item in observation.get("etcd") or ()]
    nodes = [item["name"] for item in observation.get("nodes") or ()]
    found = []
    if len(members) > 1:
        found.append(f"the half-done init of {name} has etcd members {', '.join(members)}")
    if set(nodes) - {name}:
        found.append(f"the half-done init of {name} has nodes {', '.join(nodes)}")
    return found


def _around_init(observation: Observation, name: str, first: str) -> HostPlan:
    """Plan one host of a site whose cluster is about to be started on ``first``."""
    half_done = _half_done(observation)
    if name == first:
        if half_done:
            intent = observation["intent"]
            why = intent.get("failed") or "it was cut"
            return HostPlan(
                INIT,
                (
                    f"the init begun at {intent['started']} is not complete ({why}); it is removed"
                    " and begun anew",
                ),
                True,
            )
        return HostPlan(INIT, ("every control plane is blank",))
    if half_done:
        return HostPlan(JOIN, ("its half-done join is removed and begun anew",), True)
    if observation["leftovers"]:
        return HostPlan(
            REFUSE,
            (
                f"state of another cluster: {_evidence(observation)}. Nothing was touched; save"
                " what is needed and reset the host",
            ),
        )
    return HostPlan(JOIN, (f"the host is blank and {first} starts the cluster",))


def _stuck(observation: Observation, forbidden: list[str]) -> HostPlan:
    """Plan a host while no control plane is live and none may be started."""
    record = observation.get("record") or {}
    if observation["role"] == WORKER and record and record.get("ca") == observation["ca"]:
        return HostPlan(NOTHING, ("is a member whose cluster does not answer now",))
    detail = observation.get("detail") or ""
    return HostPlan(
        REFUSE,
        (
            "no control plane is live and none may be started: "
            + "; ".join([*forbidden, *([f"its own state: {detail}"] if detail else [])])
            + ". Bring the named hosts back; if the cluster is lost, restore it from a snapshot",
        ),
    )


def _warnings(seen: Observations, hosts: Mapping[str, HostPlan]) -> list[str]:
    """Say what is not in order on hosts that need no action."""
    found = []
    for name, plan in hosts.items():
        observation = seen[name]
        if plan.action not in (NOTHING, FINISH, RECONFIGURE):
            continue
        if observation["role"] == CONTROL_PLANE and not _is_live(observation):
            found.append(f"{name}: its API server or etcd member is not healthy")
        elif observation["node"]["state"] not in (READY, WAITS_FOR_NETWORK):
            found.append(f"{name}: node {observation['node']['detail'] or 'not ready'}")
    return found


def _two_clusters(seen: Observations, view: View) -> str:
    parts = ", ".join(f"{name}: CA {str(seen[name]['ca'])[:16]}" for name in view.live)
    return f"the control planes run different clusters ({parts}); nothing was touched"


def _refuse_all(seen: Observations, why: str) -> Plan:
    return Plan(hosts={name: HostPlan(REFUSE, (why,)) for name in seen})


def _evidence(observation: Observation) -> str:
    """The files that prove cluster state, shortened."""
    files = list(observation["leftovers"])
    shown = ", ".join(files[:4]) + (f" and {len(files) - 4} more" if len(files) > 4 else "")
    return f"CA {str(observation['ca'])[:16] or 'unknown'}, files {shown or 'none'}"

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate around a disruptive change of one member, as that member itself sees the cluster.

It is asked before (is everybody well, so that this member may be disturbed?) and after (is it back,
so that the next one may?). A kubelet that died leaves its node Ready for 40 s, so readiness alone
proves nothing: the node's Lease must have been renewed since the gate was reached. Renewals come
every 10 s, and the same host writes and compares the time, so clocks need not agree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import NotReadyError
from ansible_collections.biomax.platform.plugins.module_utils.membership import api, quorum
from ansible_collections.biomax.platform.plugins.module_utils.membership.api import ClusterApi
from ansible_collections.biomax.platform.plugins.module_utils.membership.etcd import (
    EtcdClient,
    Member,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.https import Unanswered
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.nodes import parse_node

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
POLL_SECONDS = 1.0


class Cluster(Protocol):
    """What the gate asks."""

    def probe(self, address: str) -> str:
        """Return ``ready``, ``answers`` or ``silent`` for the API server at `address`."""

    def get(self, address: str, path: str) -> dict[str, Any]:
        """Read an object from the API server at `address` with the host's own credentials."""

    def etcd_members(self) -> list[Member]:
        """List etcd's members with their health, as this host's own member sees them."""


@dataclass(frozen=True)
class Waiting:
    """Clocks and patience; tests give their own.

    Attributes:
        timeout: seconds until the gate counts as closed.
        wall: seconds since the epoch, to compare with what kubelet wrote.
        monotonic: seconds, for the deadline.
        sleep: waits seconds.
    """

    timeout: float
    wall: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class HostCluster:
    """The cluster as a member reaches it: each API server by its own address."""

    def __init__(self, layout: Layout, port: int) -> None:
        """Use the kubelet's kubeconfig below `layout`; API servers listen on `port`."""
        self._layout, self._port = layout, port

    def probe(self, address: str) -> str:
        """Return ``ready``, ``answers`` or ``silent``."""
        return api.probe(address, self._port)

    def get(self, address: str, path: str) -> dict[str, Any]:
        """Read an object.

        Raises:
            Unanswered: No answer, or a refusal.
        """
        cluster = ClusterApi.of_host(self._layout, "kubelet.conf", address, self._port)
        return cluster.call("GET", path, accepted=(200,)).json()

    def etcd_members(self) -> list[Member]:
        """List etcd's members with their health; none on a host that has no etcd.

        Raises:
            Unanswered: This host's member does not answer, or the cluster has no quorum.
        """
        if not (self._layout.pki / "etcd/healthcheck-client.crt").exists():
            return []
        return EtcdClient(self._layout.pki).members()


def is_member(layout: Layout) -> bool:
    """Say whether this host belongs to a cluster: kubelet has its credentials."""
    return (layout.kubernetes / "kubelet.conf").exists()


def wait_open(
    cluster: Cluster,
    node: str,
    api_servers: Sequence[dict[str, str]],
    waiting: Waiting,
    units: Collection[str] = (),
) -> float:
    """Wait until every API server is ready, the node reports and etcd can do without it.

    Args:
        cluster: Whom to ask.
        node: Name of this host's node.
        api_servers: ``name`` and ``address`` of each control-plane member.
        waiting: Clocks and patience.
        units: Units that are to be restarted; for those that carry etcd its quorum is guarded.

    Returns:
        Seconds waited.

    Raises:
        UnsafeError: etcd would lose its quorum by a voter that is not expected back.
        NotReadyError: The deadline passed; the message lists what is missing.
    """
    started, since = waiting.monotonic(), waiting.wall()
    while True:
        missing = _missing(cluster, node, api_servers, since)
        if quorum.threatened_by(units):
            missing += _quorum_missing(cluster, node, [server["name"] for server in api_servers])
        waited = waiting.monotonic() - started
        if not missing:
            return round(waited, 1)
        if waited >= waiting.timeout:
            raise NotReadyError(
                f"The gate of {node} did not open within {waiting.timeout:g} s: "
                f"{'; '.join(missing)}. Nothing further was changed. Bring that back and run again."
            )
        waiting.sleep(POLL_SECONDS)


def _missing(
    cluster: Cluster, node: str, api_servers: Sequence[dict[str, str]], since: float
) -> list[str]:
    """List what keeps the gate closed, API servers first."""
    states = {server["name"]: cluster.probe(server["address"]) for server in api_servers}
    missing = [
        f"the API server on {name} is {'not ready' if state == api.ANSWERS else 'silent'}"
        for name, state in states.items()
        if state != api.READY
    ]
    ready = [server["address"] for server in api_servers if states[server["name"]] == api.READY]
    if not ready:
        return missing
    try:
        state = parse_node(cluster.get(ready[0], f"/api/v1/nodes/{node}"))
        lease = cluster.get(ready[0], f"{LEASES}/{node}")
    except Unanswered as error:
        return [*missing, f"reading node {node}: {error}"]
    if not state.arrived:
        missing.append(f"node {node} is not ready: {state.detail}")
    renewed = str(lease.get("spec", {}).get("renewTime", ""))
    if _seconds(renewed) < since:
        missing.append(f"its kubelet last reported at {renewed or 'no time'}")
    return missing


def _quorum_missing(cluster: Cluster, node: str, expected: Sequence[str]) -> list[str]:
    """List what keeps etcd from doing without this host.

    Raises:
        UnsafeError: A voter is missing that is not among the `expected` ones.
    """
    try:
        members = cluster.etcd_members()
    except Unanswered as error:
        return [f"etcd on {node}: {error}"]
    silent = quorum.shortage(members, node)
    if not silent:
        return []
    reason = quorum.explain(silent, members, node)
    quorum.check_expected(silent, expected, reason)
    return [reason]


def _seconds(text: str) -> float:
    """Return the epoch seconds of a Kubernetes MicroTime; 0 when it is none."""
    try:
        found = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError:
        return 0.0
    return found.replace(tzinfo=timezone.utc).timestamp()

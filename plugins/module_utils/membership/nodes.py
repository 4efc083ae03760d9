# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes as the API lists them, and when one counts as arrived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

READY = "ready"
# The kubelet reports and waits for the pod network, which is deployed after the cluster is formed.
WAITS_FOR_NETWORK = "waits_for_network"
NOT_READY = "not_ready"

# Source: kubelet's NotReady message while no CNI configuration exists (pkg/kubelet/runtime.go and
# containerd's "cni plugin not initialized").
_NETWORK_MARKS = ("NetworkPluginNotReady", "cni plugin not initialized", "network is not ready")


@dataclass(frozen=True)
class NodeState:
    """A Node object.

    Args:
        name: Its name.
        state: ``ready``, ``waits_for_network`` or ``not_ready``.
        detail: The message of its Ready condition when it is not ready.
        addresses: Its internal addresses.
        control_plane: Whether it is labelled as control plane.
        version: Version of its kubelet, without the v.
    """

    name: str
    state: str
    detail: str
    addresses: tuple[str, ...]
    control_plane: bool
    version: str

    @property
    def arrived(self) -> bool:
        """Whether its kubelet reports; the pod network may still be missing."""
        return self.state in (READY, WAITS_FOR_NETWORK)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "addresses": list(self.addresses)}


def parse_node(node: Mapping[str, Any]) -> NodeState:
    """Read a Node object of the API."""
    status = node.get("status", {})
    conditions = {entry.get("type"): entry for entry in status.get("conditions", [])}
    ready = conditions.get("Ready", {})
    message = str(ready.get("message", "")) or "the kubelet has not reported yet"
    if ready.get("status") == "True":
        state, message = READY, ""
    elif ready.get("status") == "False" and any(mark in message for mark in _NETWORK_MARKS):
        state = WAITS_FOR_NETWORK
    else:
        state = NOT_READY
    return NodeState(
        name=str(node["metadata"]["name"]),
        state=state,
        detail=message,
        addresses=tuple(
            str(entry["address"])
            for entry in status.get("addresses", [])
            if entry.get("type") == "InternalIP"
        ),
        control_plane="node-role.kubernetes.io/control-plane" in node["metadata"].get("labels", {}),
        version=str(status.get("nodeInfo", {}).get("kubeletVersion", "")).removeprefix("v"),
    )


def missing_nodes(nodes: Iterable[NodeState], wanted: Iterable[str]) -> list[str]:
    """Say which wanted nodes have not arrived, and why."""
    known = {node.name: node for node in nodes}
    found = []
    for name in wanted:
        node = known.get(name)
        if node is None:
            found.append(f"node {name} is not registered")
        elif not node.arrived:
            found.append(f"node {name} is not ready: {node.detail}")
    return found

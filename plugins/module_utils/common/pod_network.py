# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of Calico's pod network: MTU, blocks of addresses, Typha."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.networks import parse_network

# Bytes that each way of carrying a pod's packet puts around it, IPv4. Felix 3.31.7 has the same
# numbers (felix/dataplane/linux/int_dataplane.go: vxlanMTUOverhead, wireguardMTUOverhead).
# VXLAN: outer IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14. WireGuard: IPv4 20, UDP 8, header 16,
# authentication tag 16.
OVERHEAD: Mapping[str, int] = {"VXLAN": 50, "VXLANCrossSubnet": 50, "None": 0}
WIREGUARD_OVERHEAD = 60
LEAST_MTU = 1280  # what every link must carry for IPv6 (RFC 8200); less is a slip

NODES_PER_TYPHA = 200


def pod_mtu(host_mtu: int, encapsulation: str, wireguard: bool = False) -> int:
    """Derive the MTU of pods from that of the hosts' interfaces.

    A packet is carried either by VXLAN or by WireGuard, never by one inside the other, so the
    larger overhead counts and not the sum (felix: determinePodMTU takes the smallest MTU among
    the enabled ways).

    Args:
        host_mtu: MTU of the hosts' interfaces, in bytes.
        encapsulation: ``VXLAN``, ``VXLANCrossSubnet`` or ``None``, as the operator names them.
        wireguard: Packets between nodes are encrypted by WireGuard.

    Returns:
        The MTU of the pods' interfaces, in bytes.

    Raises:
        InputError: The encapsulation is unknown, or the result is smaller than any network of
            today carries.
    """
    if encapsulation not in OVERHEAD:
        raise InputError(f"No encapsulation {encapsulation!r}; there are {', '.join(OVERHEAD)}.")
    overhead = max(OVERHEAD[encapsulation], WIREGUARD_OVERHEAD if wireguard else 0)
    if host_mtu - overhead < LEAST_MTU:
        raise InputError(
            f"A host MTU of {host_mtu} leaves pods {host_mtu - overhead} bytes, less than "
            f"{LEAST_MTU}: correct it, it is 1500 on ordinary networks."
        )
    return host_mtu - overhead


def typha_replicas(nodes: int) -> int:
    """Tell how many Typhas the operator runs for a number of nodes.

    Source: GetExpectedTyphaScale of tigera/operator 1.40 (pkg/common/autoscale.go). One for each
    200 nodes and one more for a failure; always fewer than nodes, so that one can move.

    Args:
        nodes: Number of Linux nodes.

    Raises:
        InputError: There is no node.
    """
    if nodes < 1:
        raise InputError(f"Typha needs at least one node, found {nodes}.")
    if nodes <= 2:
        return 1
    if nodes <= 4:
        return 2
    return max(3, nodes // NODES_PER_TYPHA + 2)


def typha_resources(nodes: int) -> dict[str, Any]:
    """Size one Typha: it must be able to serve its share of the nodes with one replica lost.

    Upstream publishes no numbers. Ours: 50m CPU and 64 MiB to hold the cluster's objects, and for
    each node that it serves 1m CPU and 1 MiB; the memory limit is twice the request, since all
    nodes of a lost Typha arrive at once. Correct them by what a site measures.

    Args:
        nodes: Number of nodes.

    Returns:
        Requests and limits of the container.

    Raises:
        InputError: There is no node.
    """
    serving = max(1, typha_replicas(nodes) - 1)
    share = -(-nodes // serving)
    memory = 64 + share
    return {
        "requests": {"cpu": f"{50 + share}m", "memory": f"{memory}Mi"},
        "limits": {"memory": f"{2 * memory}Mi"},
    }


def address_blocks(subnet: object, block_size: int) -> int:
    """Count the blocks that Calico can hand to nodes from a range of pod addresses.

    Args:
        subnet: The range, such as ``10.244.0.0/16``.
        block_size: Prefix length of a block, such as 26 for 64 addresses.

    Returns:
        The number of blocks.

    Raises:
        InputError: The range is malformed, no IPv4, or smaller than a block.
    """
    network = parse_network(subnet)
    if not isinstance(network, ipaddress.IPv4Network):
        raise InputError(f"Pod addresses are IPv4 here, found {network}.")
    if not max(20, network.prefixlen) <= block_size <= 32:
        raise InputError(
            f"A block of /{block_size} does not fit in {network}: choose from "
            f"{max(20, network.prefixlen)} to 32; 26 is usual."
        )
    return int(2 ** (block_size - network.prefixlen))

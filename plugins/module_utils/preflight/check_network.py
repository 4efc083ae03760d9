# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the pod network: data planes that match, sizes that suffice, routes that lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.pod_network import (
    address_blocks,
    pod_mtu,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    SITE,
    Finding,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    CONTROL_PLANE,
    Site,
)

PROXY_MODE = "nftables"
MAX_PODS = 110  # kubelet's default
# Defaults of role network, whose variables an inventory may leave out; a test compares them.
DEFAULTS: Mapping[str, Any] = {
    "network_calico_encapsulation": "VXLAN",
    "network_calico_wireguard_enabled": False,
    "network_calico_host_mtu": 1500,
    "network_calico_block_size": 26,
    "network_calico_bgp_peers": [],
}


def setting(site: Site, name: str) -> Any:
    """Return a variable of role network, its default when the inventory leaves it out."""
    return site.variables.get(name, DEFAULTS[name])


def needs(site: Site) -> list[tuple[str, int, str]]:
    """List the ports that the site's provider takes on each node.

    Args:
        site: The declared site.

    Returns:
        Protocol, number and name of the process; the name is empty when the kernel itself listens.
        Ports of Calico: pkg/render of tigera/operator 1.40. What the kernel must be able to do is
        judged by check_kernel.
    """
    if site.text("network_provider") != "calico":
        return [("tcp", 9911, "routed-network")]
    ports = [("tcp", 5473, "calico-typha"), ("tcp", 9099, "calico-node")]
    if str(setting(site, "network_calico_encapsulation")).startswith("VXLAN"):
        ports.append(("udp", 4789, ""))
    else:
        ports.append(("tcp", 179, "bird"))
    if setting(site, "network_calico_wireguard_enabled") is True:
        ports.append(("udp", 51820, ""))
    return ports


def check_network(site: Site) -> list[Finding]:
    """Judge what the inventory says of the pod network.

    Args:
        site: The declared site. Values of a wrong type are left to the check of variables.

    Returns:
        Every finding of the checks in this file.
    """
    found = list(check_proxy_mode(site))
    if site.text("network_provider") == "calico":
        found += [*check_mtu(site), *check_blocks(site), *check_routes(site)]
    return found


def check_proxy_mode(site: Site) -> Iterator[Finding]:
    """Find kube-proxy in another mode than the provider's data plane."""
    given = site.variables.get("cluster_membership_kube_proxy")
    mode = given.get("mode", PROXY_MODE) if isinstance(given, Mapping) else PROXY_MODE
    if mode != PROXY_MODE:
        yield Finding(
            SITE,
            "network/proxy-mode",
            f"kube-proxy in mode {mode!r} with network_provider {site.text('network_provider')}",
            f"mode {PROXY_MODE} for both: with two kinds of rules services and policies contradict"
            " each other",
            "remove mode from cluster_membership_kube_proxy",
        )


def check_mtu(site: Site) -> Iterator[Finding]:
    """Find an MTU that leaves no room for pods, or an encapsulation that does not exist."""
    host, encapsulation = (
        setting(site, f"network_calico_{name}") for name in ("host_mtu", "encapsulation")
    )
    wireguard = setting(site, "network_calico_wireguard_enabled") is True
    try:
        if not isinstance(host, int):
            raise InputError(f"network_calico_host_mtu is {host!r}, no number.")
        pod_mtu(host, str(encapsulation), wireguard)
    except InputError as error:
        yield Finding(
            SITE,
            "network/mtu",
            str(error),
            "an MTU and an encapsulation with room for pods' packets",
            "correct network_calico_host_mtu or network_calico_encapsulation",
        )


def check_blocks(site: Site) -> Iterator[Finding]:
    """Find a range of pod addresses with too few blocks for the pools at their largest."""
    size = setting(site, "network_calico_block_size")
    kubelet = site.variables.get("cluster_membership_kubelet")
    pods = kubelet.get("maxPods", MAX_PODS) if isinstance(kubelet, Mapping) else MAX_PODS
    nodes = len(site.group(CONTROL_PLANE)) + _largest(site.variables.get("node_pools"))
    try:
        if not isinstance(size, int):
            raise InputError(f"network_calico_block_size is {size!r}, no number.")
        blocks = address_blocks(site.text("kube_pod_subnet"), size)
        # One address of the node's own for its tunnel, and a block cannot be shared.
        wanted = nodes * -(-(pods + 1) // 2 ** (32 - size))
        if blocks >= wanted:
            return
        found = f"{blocks} blocks of /{size} in kube_pod_subnet {site.text('kube_pod_subnet')}"
        enough = f"{wanted} for {nodes} nodes with {pods} pods each"
    except InputError as error:
        found, enough = str(error), "a range of addresses that blocks fit in"
    yield Finding(
        SITE,
        "network/blocks",
        found,
        enough,
        "choose a larger kube_pod_subnet or other blocks before the cluster is formed",
    )


def check_routes(site: Site) -> Iterator[Finding]:
    """Find nodes that would not know the way to each other's pods, and settings without effect."""
    peers = setting(site, "network_calico_bgp_peers")
    encapsulation = setting(site, "network_calico_encapsulation")
    networks = site.texts("host_networks")
    if encapsulation == "None" and len(networks) > 1 and not peers:
        yield Finding(
            SITE,
            "network/routes",
            f"encapsulation None, nodes in {', '.join(networks)} and no router told",
            "network_calico_bgp_peers with the routers between these networks, or VXLANCrossSubnet",
            "add the routers, or choose another network_calico_encapsulation",
        )
    if encapsulation != "None" and peers:
        yield Finding(
            SITE,
            "network/peers",
            f"network_calico_bgp_peers with encapsulation {encapsulation}, where no BGP runs",
            "encapsulation None, or no peers",
            "remove network_calico_bgp_peers, or set network_calico_encapsulation to None",
        )


def _largest(pools: Any) -> int:
    """Count the workers when every pool is as large as it may become."""
    rows = pools.values() if isinstance(pools, Mapping) else ()
    sizes = [pool.get("max") for pool in rows if isinstance(pool, Mapping)]
    return sum(size for size in sizes if isinstance(size, int))

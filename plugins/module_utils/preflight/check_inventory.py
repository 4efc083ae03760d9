# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the inventory alone: names, addresses, networks, endpoint, members, pools."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.networks import (
    address_in,
    networks_overlap,
    parse_address,
    parse_network,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    SITE,
    Finding,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    ABSENT,
    CONTROL_PLANE,
    NODES,
    Site,
)

_NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123 label, as Kubernetes asks
REQUIRED_GROUPS = ("mirror", CONTROL_PLANE, NODES)


def check_inventory(site: Site) -> list[Finding]:
    """Judge what the inventory says, without looking at a host.

    Args:
        site: The declared site. Values of a wrong type are left to the check of variables.

    Returns:
        Every finding of the checks in this file.
    """
    checks = (
        check_groups,
        check_names,
        check_addresses,
        check_networks,
        check_endpoint,
        check_dns_address,
        check_control_plane,
        check_pools,
    )
    return [finding for check in checks for finding in check(site)]


def check_groups(site: Site) -> Iterator[Finding]:
    """Find groups that are missing, and hosts that are in two places that exclude each other."""
    for group in REQUIRED_GROUPS:
        if not site.group(group):
            yield Finding(
                SITE,
                "groups/empty",
                f"no host in group {group}",
                f"at least one host in each of {', '.join(REQUIRED_GROUPS)}",
                f"add a host to {group} in the inventory's hosts.yml",
            )
    for host in sorted(set(site.group(CONTROL_PLANE)) & set(site.group(NODES))):
        yield Finding(
            host,
            "groups/two-roles",
            f"in {CONTROL_PLANE} and in {NODES}",
            "a host is a control-plane host or a worker",
            f"take {host} out of one of the two groups",
        )
    for host in sorted(set(site.group(ABSENT)) - set(site.hosts)):
        yield Finding(
            host,
            "groups/only-absent",
            f"in group {ABSENT}, but in no other group of the site",
            "absent hosts keep their groups until they are removed",
            f"add {host} to its groups, or take it out of {ABSENT}",
        )


def check_names(site: Site) -> Iterator[Finding]:
    """Find host names that Kubernetes refuses, and names that two things would carry."""
    for host in site.hosts:
        if not _NODE_NAME.fullmatch(host):
            yield Finding(
                host,
                "names/refused",
                f"the name {host!r}",
                "lower-case letters, digits and hyphens, at most 63 (a node's name in Kubernetes)",
                "rename the host in the inventory",
            )
    domain = site.text("site_domain")
    endpoint = site.text("kube_api_endpoint")
    for host in site.hosts:
        if endpoint and endpoint in (host, f"{host}.{domain}"):
            yield Finding(
                host,
                "names/endpoint",
                f"kube_api_endpoint is {endpoint}, which is this host's own name",
                "a name that belongs to the virtual address alone",
                f"choose another kube_api_endpoint, such as api.{domain}",
            )
    folded: dict[str, list[str]] = defaultdict(list)
    for host in site.hosts:
        folded[host.lower()].append(host)
    yield from _shared("names/shared", folded, "name", "a name of its own; case does not count")


def check_addresses(site: Site) -> Iterator[Finding]:
    """Find hosts without a usable address, outside the host networks, or with another's."""
    networks = site.texts("host_networks")
    by_address: dict[str, list[str]] = defaultdict(list)
    for host in site.hosts:
        address = site.address(host)
        if not address:
            continue
        try:
            by_address[str(parse_address(address))].append(host)
            inside = not networks or address_in(address, networks)
        except InputError:
            continue  # the check of variables names the malformed value
        if not inside:
            yield Finding(
                host,
                "addresses/outside",
                f"node_address {address}",
                f"an address inside host_networks ({', '.join(networks)})",
                "correct node_address, or add the host's network to host_networks",
            )
    yield from _shared("addresses/shared", by_address, "address", "an address of its own")


def check_networks(site: Site) -> Iterator[Finding]:
    """Find declared networks that overlap."""
    named = [(f"host_networks {text}", text) for text in site.texts("host_networks")]
    named += [
        (f"{name} {site.text(name)}", site.text(name))
        for name in ("kube_pod_subnet", "kube_service_subnet")
    ]
    parsed = []
    for label, text in named:
        try:
            parsed.append((label, parse_network(text)))
        except InputError:
            continue  # the check of variables names the malformed value
    for number, (label, network) in enumerate(parsed):
        for other_label, other in parsed[number + 1 :]:
            if networks_overlap(network, other):
                yield Finding(
                    SITE,
                    "networks/overlap",
                    f"{label} overlaps {other_label}",
                    "hosts, pods and services each have addresses of their own",
                    "choose another network for one of them before the cluster is formed",
                )


def check_endpoint(site: Site) -> Iterator[Finding]:
    """Find a virtual address that is no free address of the hosts' network, or ports that clash."""
    address = site.text("kube_api_address")
    networks = site.texts("host_networks")
    action = "choose a free address of the control plane's network as kube_api_address"
    try:
        outside = bool(address and networks) and not address_in(address, networks)
    except InputError:
        return  # the check of variables names the malformed value
    if outside:
        yield Finding(
            SITE,
            "endpoint/outside",
            f"kube_api_address {address}",
            f"an address inside host_networks ({', '.join(networks)})",
            action,
        )
    for host in site.hosts:
        if address and site.address(host) == address:
            yield Finding(
                host,
                "endpoint/host-address",
                f"node_address {address} is kube_api_address too",
                "a virtual address that is no host's own",
                action,
            )
    port, backend = site.variables.get("kube_api_port"), site.variables.get("kube_api_backend_port")
    if port is not None and port == backend:
        yield Finding(
            SITE,
            "endpoint/one-port",
            f"kube_api_port and kube_api_backend_port are both {port}",
            "two ports: HAProxy and the API server run on the same hosts",
            "choose another kube_api_port, such as 8443",
        )


def check_dns_address(site: Site) -> Iterator[Finding]:
    """Find a DNS service address that is not a service address."""
    address, subnet = site.text("kube_dns_address"), site.text("kube_service_subnet")
    try:
        inside = not (address and subnet) or address_in(address, [subnet])
    except InputError:
        return  # the check of variables names the malformed value
    if not inside:
        yield Finding(
            SITE,
            "networks/dns-address",
            f"kube_dns_address {address}",
            f"an address inside kube_service_subnet ({subnet})",
            "take the tenth address of kube_service_subnet, as kubeadm does",
        )


def check_control_plane(site: Site) -> Iterator[Finding]:
    """Find a control plane whose number is even, or of which members are absent."""
    declared = site.group(CONTROL_PLANE)
    count = len(declared)
    if count and count % 2 == 0:
        yield Finding(
            SITE,
            "control-plane/even",
            f"{count} hosts in {CONTROL_PLANE}: {', '.join(declared)}",
            "an odd number: an even one can lose no more members and has one more to lose",
            "add or remove one control-plane host",
        )
    gone = [host for host in declared if host in site.group(ABSENT)]
    if gone:
        yield Finding(
            SITE,
            "control-plane/absent"
            if len(gone) <= (count - 1) // 2
            else "control-plane/quorum-lost",
            f"{len(gone)} of {count} control-plane hosts absent: {', '.join(gone)}",
            "every declared member alive",
            "replace or remove them soon; until then one more loss may cost the quorum",
        )


def check_pools(site: Site) -> Iterator[Finding]:
    """Find workers in no pool or in two, and pools outside their bounds."""
    pools = site.variables.get("node_pools")
    if not isinstance(pools, dict):
        return
    of_host: dict[str, list[str]] = {host: [] for host in site.group(NODES)}
    for pool, settings in pools.items():
        members = site.group(str(settings.get("group"))) if isinstance(settings, dict) else []
        for host in members:
            of_host.setdefault(host, []).append(str(pool))
        yield from _bounds(str(pool), settings, len(members))
    for host, names in of_host.items():
        if len(names) != 1:
            yield Finding(
                host,
                "pools/membership",
                f"in {'pools ' + ', '.join(names) if names else 'no pool'}",
                "each worker is in exactly one pool of node_pools",
                "put the host into the inventory group of its pool",
            )


def _bounds(pool: str, settings: object, count: int) -> Iterator[Finding]:
    """Compare the size of a pool with its bounds."""
    if not isinstance(settings, dict):
        return
    low, high = settings.get("min"), settings.get("max")
    if isinstance(low, int) and isinstance(high, int) and not low <= count <= high:
        yield Finding(
            SITE,
            "pools/size",
            f"{count} hosts in pool {pool}",
            f"{low} to {high} (min and max of the pool in node_pools)",
            "add or remove hosts of the pool, or change its bounds",
        )


def _shared(
    identity: str, holders: dict[str, list[str]], noun: str, wanted: str
) -> Iterable[Finding]:
    """Report each thing that several hosts hold, once for each of them."""
    for thing, hosts in holders.items():
        for host in hosts if len(hosts) > 1 else ():
            others = ", ".join(other for other in hosts if other != host)
            yield Finding(
                host,
                identity,
                f"{noun} {thing}, which is also that of {others}",
                wanted,
                f"correct the {noun} of {host} or of {others} in the inventory",
            )

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leftovers: what lies on a host of a cluster that is not this site's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import Finding
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    CONTROL_PLANE,
    Site,
)

Facts = Mapping[str, Any]
_SHOWN = 12  # digits of a certificate's SHA-256 that a message shows
_ACTION = (
    "make sure that nothing there is needed, then empty the host: kubeadm reset -f;"
    " rm -rf /etc/kubernetes /var/lib/etcd /etc/cni/net.d"
)


def site_authority(site: Site, facts_by_host: Mapping[str, Facts], controller_ca: str) -> str:
    """Tell which certificate authority is this site's cluster's.

    It is the one that most control-plane hosts have which our engine manages. The controller's
    kubeconfig decides only when no control-plane host was looked at (`--limit`): a kubeconfig
    outlives a cluster that was taken down.

    Args:
        site: The declared site.
        facts_by_host: What the collector returned, by host.
        controller_ca: SHA-256 of the authority in the controller's kubeconfig, or empty.

    Returns:
        SHA-256 of the authority's certificate; empty when the site has no cluster yet.
    """
    seen = [facts_by_host[host] for host in site.group(CONTROL_PLANE) if host in facts_by_host]
    if not seen:
        return controller_ca
    held = Counter(facts["cluster_ca"] for facts in seen if facts["managed"])
    del held[""]
    if not held:
        return ""
    most = max(held.values())
    best = sorted(authority for authority, count in held.items() if count == most)
    return controller_ca if controller_ca in best else best.pop(0)


def check_leftovers(
    site: Site, facts_by_host: Mapping[str, Facts], controller_ca: str
) -> Iterator[Finding]:
    """Find hosts that carry another cluster's certificates, configuration or etcd data.

    Args:
        site: The declared site.
        facts_by_host: What the collector returned, by host.
        controller_ca: SHA-256 of the authority in the controller's kubeconfig, or empty.
    """
    authority = site_authority(site, facts_by_host, controller_ca)
    partial = not any(host in facts_by_host for host in site.group(CONTROL_PLANE))
    for host, facts in facts_by_host.items():
        yield from _host(host, facts, authority, partial and not authority)
        member = bool(facts["cluster_ca"]) and facts["managed"]
        if facts["etcd_data"] and not (member and host in site.group(CONTROL_PLANE)):
            yield _etcd(host)


def _host(host: str, facts: Facts, authority: str, unknown: bool) -> Iterator[Finding]:
    """Judge one host; `unknown` says that nothing tells which authority is the site's."""
    own, managed = facts["cluster_ca"], facts["managed"]
    foreign = bool(own) and not managed
    if own and managed and not unknown:
        foreign = own != authority
    if foreign:
        yield Finding(
            host,
            "leftovers/cluster",
            f"another cluster's /etc/kubernetes: authority sha256:{own[:_SHOWN]}…"
            f" ({', '.join(facts['kubernetes_files'][:4])})",
            f"this site's authority, sha256:{authority[:_SHOWN]}…"
            if authority
            else "nothing in /etc/kubernetes: this site has no cluster yet",
            _ACTION,
        )
    elif facts["kubernetes_files"] and not own and not managed:
        yield Finding(
            host,
            "leftovers/cluster",
            "another cluster's files in /etc/kubernetes:"
            f" {', '.join(facts['kubernetes_files'][:4])}",
            "nothing in /etc/kubernetes",
            _ACTION,
        )


def _etcd(host: str) -> Finding:
    """Report data of etcd on a host that has no business to have any."""
    return Finding(
        host,
        "leftovers/etcd",
        "data of an etcd member in /var/lib/etcd, of another cluster or of a former member",
        "no etcd data on a host that is no control-plane member",
        "make sure that it is not needed, take a copy, then: rm -rf /var/lib/etcd/member",
    )

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the network between hosts: packet sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_path import SMALL
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import Finding
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import is_node
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

Facts = Mapping[str, Any]


def check_paths(site: Site, facts_by_host: Mapping[str, Facts]) -> Iterator[Finding]:
    """Find interfaces and paths that carry smaller packets than the others.

    Args:
        site: The declared site.
        facts_by_host: What the collector returned, by host.
    """
    yield from _interfaces(site, facts_by_host)
    for host, facts in facts_by_host.items():
        mtu = facts["link"].get("mtu", 0)
        for path in facts["paths"]:
            if path["peer"] in facts_by_host:  # one that does not answer us is a finding already
                yield from _path(host, path, mtu)


def _interfaces(site: Site, facts_by_host: Mapping[str, Facts]) -> Iterator[Finding]:
    """Compare the MTU of the nodes' interfaces; the one that most of them have is right."""
    mtu = {
        host: facts["link"]["mtu"]
        for host, facts in facts_by_host.items()
        if is_node(site, host) and facts["link"]
    }
    if not mtu:
        return
    counts = Counter(mtu.values())
    usual = max(counts, key=lambda value: (counts[value], value))
    for host, value in mtu.items():
        if value != usual:
            yield Finding(
                host,
                "nic/mtu-differs",
                f"MTU {value} on {site.host_variables[host]['node_interface']}",
                f"MTU {usual}, as on most nodes",
                "give all nodes one MTU, and the switches between them at least that",
            )


def _path(host: str, path: Mapping[str, Any], mtu: int) -> Iterator[Finding]:
    """Judge the way to one peer and back."""
    peer = f"{path['peer']} ({path['address']})"
    if SMALL not in path["through"]:
        yield Finding(
            host,
            "path/silent",
            f"{peer} does not answer an echo request",
            "an answer: without it packets that are too large vanish unnoticed",
            "allow ICMP echo between the hosts, then look again",
        )
    elif mtu not in path["through"]:
        yield Finding(
            host,
            "path/mtu",
            f"packets of {mtu} bytes to {peer} are lost, {max(path['through'])} get through",
            f"packets of {mtu} bytes, the MTU of the interface, in both directions",
            "give the peer and every switch on the way that MTU, or lower it on all hosts",
        )

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the address pools for services: nobody else may hold one of their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.networks import (
    Address,
    parse_address,
    parse_range,
    ranges_overlap,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    SITE,
    Finding,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

_Range = tuple[Address, Address]
_ACTION = "choose other addresses in load_balancer_pools; MetalLB answers for each of them"


def check_load_balancer(site: Site) -> Iterator[Finding]:
    """Find pools that share addresses with hosts, pods, services, or each other.

    Args:
        site: The declared site.
    """
    pools = list(_pools(site))
    taken = list(_taken(site))
    for name, text, reach in pools:
        for holder, other in taken:
            if ranges_overlap(reach, other):
                yield _finding(f"pool {name} ({text}) holds {holder}")
    for (name, text, reach), (other_name, other_text, other) in combinations(pools, 2):
        if ranges_overlap(reach, other):
            yield _finding(f"pool {name} ({text}) overlaps pool {other_name} ({other_text})")
    names = [pool["name"] for pool in _declared(site)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield _finding(f"pool {name} is declared {names.count(name)} times")


def _finding(found: str) -> Finding:
    return Finding(SITE, "networks/pool", found, "addresses that nobody else has", _ACTION)


def _declared(site: Site) -> list[dict[str, Any]]:
    """Return the pools of the right shape; the check of variables names the others."""
    value = site.variables.get("load_balancer_pools")
    rows = value if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, dict) and {"name", "addresses"} <= set(row)]


def _pools(site: Site) -> Iterator[tuple[str, str, _Range]]:
    for pool in _declared(site):
        addresses = pool["addresses"] if isinstance(pool["addresses"], list) else []
        for text in addresses:
            try:
                yield str(pool["name"]), str(text), parse_range(text)
            except InputError:
                continue  # the check of variables names the malformed value


def _taken(site: Site) -> Iterator[tuple[str, _Range]]:
    """List what has addresses already: its name for messages, and its range."""
    networks = [(f"{name} {site.text(name)}", site.text(name)) for name in _NETWORKS]
    addresses = [
        (f"address {site.address(host)} of {host}", site.address(host)) for host in site.hosts
    ]
    addresses += [(f"{name} {site.text(name)}", site.text(name)) for name in _ADDRESSES]
    for label, text in networks:
        try:
            yield label, parse_range(text)
        except InputError:
            continue  # missing or malformed: the check of variables names it
    for label, text in addresses:
        try:
            yield label, (parse_address(text), parse_address(text))
        except InputError:
            continue  # as above


_NETWORKS = ("kube_pod_subnet", "kube_service_subnet")
_ADDRESSES = ("kube_api_address",)

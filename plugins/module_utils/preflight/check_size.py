# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of sizes: processors, memory, network card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight import requirements
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import Finding
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

Facts = Mapping[str, Any]


def check_size(site: Site, host: str, facts: Facts) -> Iterator[Finding]:
    """Find a host that is smaller than its role asks for.

    Args:
        site: The declared site; an unknown site_sizing is left to the check of variables.
        host: Name of the host.
        facts: What the collector returned there.
    """
    sizing = site.text("site_sizing")
    size = requirements.size(site, host)
    if size is None:
        return
    wanted_for = f"for this kind of host with site_sizing {sizing}"
    if facts["memory_mib"] < size.memory_mib:
        yield Finding(
            host,
            "memory/small",
            f"{facts['memory_mib']} MiB",
            f"at least {size.memory_mib} MiB {wanted_for}",
            "add memory, or choose a smaller site_sizing",
        )
    if facts["cpus"] < size.cpus:
        yield Finding(
            host,
            "cpu/few",
            f"{facts['cpus']} processors",
            f"at least {size.cpus} {wanted_for}",
            "add processors, or choose a smaller site_sizing",
        )
    speed = facts["link"].get("speed", 0)
    if 0 < speed < requirements.link_mbit(site):
        yield Finding(
            host,
            "nic/slow",
            f"{site.host_variables[host]['node_interface']} runs at {speed} Mbit/s",
            f"at least {requirements.link_mbit(site)} Mbit/s {wanted_for}",
            "look at cable, switch port and card: a bad cable falls back to a lower speed",
        )
    if facts["link"].get("duplex") == "half":
        yield Finding(
            host,
            "nic/half-duplex",
            f"{site.host_variables[host]['node_interface']} runs half duplex",
            "full duplex",
            "set card and switch port to negotiate, both of them",
        )

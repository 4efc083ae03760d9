# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of a host for the report: what a buyer of servers wants to see in black and white."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_clock import offset


def measured(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Choose the numbers that the report shows.

    Args:
        facts: What the collector returned on a host.

    Returns:
        ``cpus``, ``memory_mib``, ``kernel``; ``clock_offset_seconds`` with ``clock_error_seconds``
        and ``clock_source``; ``link_mtu`` and ``link_mbit``, where the interface tells; and on
        control planes ``etcd_disk_p99_ms`` with ``etcd_disk_samples``.
    """
    ahead, error, source = offset(facts)
    numbers = {
        "cpus": facts["cpus"],
        "memory_mib": facts["memory_mib"],
        "kernel": facts["kernel"]["release"],
        "clock_offset_seconds": round(ahead, 3),
        "clock_error_seconds": round(error, 3),
        "clock_source": source,
    }
    if facts["link"]:
        numbers |= {"link_mtu": facts["link"]["mtu"], "link_mbit": facts["link"]["speed"]}
    if "p99_ms" in facts["etcd_disk"]:
        disk = facts["etcd_disk"]
        numbers |= {"etcd_disk_p99_ms": disk["p99_ms"], "etcd_disk_samples": disk["samples"]}
    return numbers

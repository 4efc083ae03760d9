# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the disk that etcd writes to.

etcd's FAQ wants the 99th percentile of wal_fsync_duration_seconds below 10 ms (etcd.io/docs, "What
does the etcd warning failed to send out heartbeat on time mean?"). A write that takes as long as a
heartbeat, 100 ms by default, costs elections.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    Finding,
    NotChecked,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

Facts = Mapping[str, Any]
GUIDANCE_MS = 10.0
HEARTBEAT_MS = 100.0


def check_latency(site: Site, host: str, facts: Facts) -> Iterator[Finding | NotChecked]:
    """Judge how fast a disk makes etcd's writes durable; a lab may be slow.

    Args:
        site: The declared site.
        host: Name of the host.
        facts: What the collector returned there.
    """
    disk = facts["etcd_disk"]
    if not disk or site.text("site_sizing") == "lab":
        return
    if disk["state"] == "silent":
        yield NotChecked(host, "disk latency for etcd", "a member is not loaded, and tells none")
    elif disk["state"] == "failed":
        reason = f"nothing could be written in {disk['directory']}: {disk['reason']}"
        yield NotChecked(host, "disk latency for etcd", reason)
    elif disk["p99_ms"] > GUIDANCE_MS:
        observed = disk["state"] == "observed"
        unfit = disk["p99_ms"] > HEARTBEAT_MS and not observed
        yield Finding(
            host,
            "etcd-disk/unfit" if unfit else "etcd-disk/slow",
            f"1 of 100 writes in {disk['directory']} takes longer than {disk['p99_ms']:.1f} ms"
            f" ({'since etcd started, ' if observed else ''}{disk['samples']} writes)",
            f"99 of 100 durable within {GUIDANCE_MS:.0f} ms, as etcd asks",
            "give /var/lib/etcd a disk of its own with power-loss protection (NVMe or SSD)",
        )

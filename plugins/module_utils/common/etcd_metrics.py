# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long etcd's disk takes to make a write durable, by etcd's own numbers. Runs on hosts."""

from __future__ import annotations

import re
import socket
from typing import Any

METRICS = ("127.0.0.1", 2381)  # kubeadm's --listen-metrics-urls
_METRIC = "etcd_disk_wal_fsync_duration_seconds"
_READ = 1 << 20  # bytes


def observed(text: str) -> dict[str, Any]:
    """Take the 99th percentile from a Prometheus histogram, within its bucket in proportion."""
    buckets = [
        (float(bound), int(float(count)))
        for bound, count in re.findall(rf'^{_METRIC}_bucket{{le="([^"]+)"}} (\S+)$', text, re.M)
    ]
    total = buckets[-1][1] if buckets else 0
    if not total:
        return {"state": "silent"}
    rank, low, below = 0.99 * total, 0.0, 0
    for bound, count in buckets:
        if count >= rank and bound != float("inf"):
            low += (bound - low) * (rank - below) / (count - below)
            break
        if bound != float("inf"):
            low, below = bound, count
    return {"state": "observed", "p99_ms": round(low * 1000, 2), "samples": total}


def read_metrics(host: str, port: int) -> str:
    """Read etcd's metrics over HTTP/1.0; empty when it has none to give."""
    chunks: list[bytes] = []
    try:
        with socket.create_connection((host, port), timeout=1) as link:
            link.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            while chunk := link.recv(_READ):
                chunks.append(chunk)
    except OSError:
        return ""
    return b"".join(chunks).decode("utf-8", "replace")

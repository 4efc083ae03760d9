# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shows at the moment when a module fails on it. Standard library only.

Read-only, a few seconds at most, and only what the message gives reason to look at. It explains
another failure, so nothing in it raises.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.etcd_metrics import (
    METRICS,
    observed,
    read_metrics,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.listeners import listeners
from ansible_collections.biomax.platform.plugins.module_utils.explain import evidence_servers
from ansible_collections.biomax.platform.plugins.module_utils.explain.programs import output_of
from ansible_collections.biomax.platform.plugins.module_utils.explain.secrets import hide

_PATH = re.compile(r"(?<![\w:/.-])/[\w@+-][\w.@+-]*(?:/[\w.@+-]+)*")
_UNIT = re.compile(r"\b[A-Za-z0-9][\w@\\-]*\.(?:service|socket|timer|mount)\b")
_PORT = re.compile(r"(?:[:\]]|port |Port-|Port |sport = :)(\d{2,5})\b")
_USUAL = (
    "/",
    "/var",
    "/var/lib/apt/lists",
    "/var/cache/apt/archives",
    "/var/lib/etcd",
    "/var/lib/containerd",
    "/var/lib/kubelet",
)
_PATHS, _UNITS = 8, 2  # looked at, at most
_TAKEN = "in use"


@dataclass(frozen=True)
class Place:
    """Where to look; tests give another root and clock.

    Attributes:
        root: Where the host's file tree begins.
        wall: Seconds since the epoch, as the host tells them.
        addresses: Addresses of names that the message may hold; no name is looked up elsewhere
            than here and in the host's own hosts file.
        metrics: Address and port of etcd's metrics.
    """

    root: Path = Path("/")
    wall: float = field(default_factory=time.time)
    addresses: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[str, int] = METRICS


def evidence_of(message: str, place: Place | None = None) -> dict[str, Any]:
    """Collect the facts that may stand behind a failure.

    Args:
        message: What the failed module says.
        place: Where to look; None is this host.

    Returns:
        ``clock`` (seconds since the epoch); and, where the message gives reason, ``file_systems``
        (path, free_mib, total_mib, free_inodes), ``units`` (name, state, journal), ``ports``
        (port, program), ``servers`` (server, answer, certificate) and ``etcd`` (p99_ms, samples).
    """
    where = place or Place()
    found: dict[str, Any] = {"clock": round(where.wall, 1)}
    units = [_unit(name) for name in _first(_UNIT.findall(message), _UNITS)]
    told = " ".join([message, *(line for unit in units for line in unit["journal"])])
    found["file_systems"] = _file_systems(where.root, told)
    if units:
        found["units"] = units
    if _TAKEN in told:
        found["ports"] = _ports(where.root, told)
    servers = evidence_servers.look(told, where.addresses, where.root)
    if servers:
        found["servers"] = servers
    if "etcd" in told:
        numbers = observed(read_metrics(*where.metrics))
        found |= {"etcd": numbers} if "p99_ms" in numbers else {}
    return found


def _first(items: list[str], number: int) -> list[str]:
    return list(dict.fromkeys(items))[:number]


def _file_systems(root: Path, told: str) -> list[dict[str, Any]]:
    """Describe the file systems of the paths in the message and of those that usually fill."""
    rows: dict[int, dict[str, Any]] = {}
    for path in [*_first(_PATH.findall(told), _PATHS), *_USUAL]:
        place = root / path.lstrip("/")
        while not place.exists() and place != root:
            place = place.parent
        try:
            device, found = place.stat().st_dev, os.statvfs(place)
        except OSError:
            continue
        row = {
            "path": "/" + str(place.relative_to(root)).lstrip("."),
            "free_mib": found.f_bavail * found.f_frsize // 2**20,
            "total_mib": found.f_blocks * found.f_frsize // 2**20,
            "free_inodes": found.f_favail if found.f_files else -1,
        }
        rows.setdefault(device, row)
    return list(rows.values())


def _unit(name: str) -> dict[str, Any]:
    """Describe a unit and the last lines that it logged."""
    shown = output_of(["systemctl", "show", "-p", "ActiveState,SubState,Result", "--", name])
    state = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    lines = output_of(["journalctl", "-u", name, "-n", "12", "-o", "cat", "--no-pager"])
    return {
        "name": name,
        "state": " ".join(state.get(key, "") for key in ("ActiveState", "SubState", "Result")),
        "journal": [hide(line.strip()) for line in lines.splitlines() if line.strip()],
    }


def _ports(root: Path, told: str) -> list[dict[str, Any]]:
    """Say who listens on the ports that the message names."""
    named = {int(port) for port in _PORT.findall(told)}
    rows = [row for row in listeners(root / "proc") if row["port"] in named]
    return [{"port": row["port"], "program": row["program"]} for row in rows]

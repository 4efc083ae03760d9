# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file system is full."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    Cause,
    Failure,
    Site,
    line_with,
)

_FULL = re.compile(
    r"No space left on device|the disk is full|Disk quota exceeded|MiB free and this run"
    r"|don't have enough free space|not enough free (?:disk )?space|disk[- ]pressure",
    re.I,
)
_PLACE = re.compile(
    r"(?:file system of|Writing|enough free space in|disk is full \(|write(?: error on)?)"
    r" ?(/[\w.@+/-]*)"
)
_FULL_MIB = 1  # less is full for whatever writes


def look(failure: Failure, site: Site) -> Cause | None:  # noqa: ARG001 - one form for all families
    """Return the cause when the text says that something is full."""
    if not _FULL.search(failure.told):
        return None
    return _cause(failure, _full(failure))


def behind(failure: Failure, site: Site) -> Cause | None:  # noqa: ARG001 - one form for all families
    """Return the cause when nothing says so, and a file system of the host has nothing left."""
    full = _full(failure)
    return _cause(failure, full) if full else None


def _cause(failure: Failure, full: list[Mapping[str, Any]]) -> Cause:
    path = _path(failure, full)
    row = next((item for item in full if _holds(item["path"], path)), None)
    place = shlex.quote(row["path"] if row else path)
    inodes = bool(row and not row["free_inodes"] and row["free_mib"] >= _FULL_MIB)
    return Cause(
        _fact(row, inodes) if row else line_with(failure.told, _FULL),
        failure.seat,
        f"df {'-i' if inodes else '-h'} {place}",
        f"Free space there (`du -xh {place} | sort -h | tail`) or give it more, then"
        " run the same command again; half-written files were removed.",
    )


def _full(failure: Failure) -> list[Mapping[str, Any]]:
    return [row for row in failure.evidence.get("file_systems", ()) if _is_full(row)]


def _is_full(row: Mapping[str, Any]) -> bool:
    return bool(row["total_mib"] > 0 and (row["free_mib"] < _FULL_MIB or row["free_inodes"] == 0))


def _path(failure: Failure, full: list[Mapping[str, Any]]) -> str:
    """Return the path that the text names, else the one that is full, else the root."""
    named = _PLACE.search(failure.told)
    if named and (not full or any(_holds(row["path"], named.group(1)) for row in full)):
        return named.group(1).rstrip(".") or "/"
    return str(full[0]["path"]) if full else "/"


def _holds(directory: str, path: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _fact(row: Mapping[str, Any], inodes: bool) -> str:
    if inodes:
        return f"the file system of {row['path']} has no free inode"
    left = f"{row['free_mib']} of {row['total_mib']} MiB free"
    return f"the file system of {row['path']} is full: {left}"

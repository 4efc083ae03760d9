# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Free space by file system. Standard library only: this runs on hosts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MIB = 1024 * 1024


def disks(paths: Iterable[str], base: Path) -> list[dict[str, Any]]:
    """Look at the file systems under some directories.

    Args:
        paths: Absolute directories; for one that does not exist its nearest parent counts.
        base: Where the host's file tree starts.

    Returns:
        For each path ``path``, ``mount``, ``device`` (equal numbers share their space),
        ``free_mib`` (without the reserve for root), ``free_inodes`` (-1 where the file system does
        not count them) and ``read_only``.
    """
    found = []
    for path in paths:
        existing = nearest(base / path.lstrip("/"), base)
        numbers = os.statvfs(existing)
        mount = _mount_point(existing, base)
        found.append(
            {
                "path": path,
                "mount": "/" + str(mount.relative_to(base)) if mount != base else "/",
                "device": existing.stat().st_dev,
                "free_mib": numbers.f_bavail * numbers.f_frsize // _MIB,
                "free_inodes": numbers.f_ffree if numbers.f_files else -1,
                "read_only": bool(numbers.f_flag & os.ST_RDONLY),
            }
        )
    return found


def nearest(path: Path, base: Path) -> Path:
    """Climb to the nearest directory that exists."""
    while not path.is_dir() and path != base:
        path = path.parent
    return path


def _mount_point(path: Path, base: Path) -> Path:
    """Climb to where the file system is mounted."""
    while path != base and not path.is_mount():
        path = path.parent
    return path

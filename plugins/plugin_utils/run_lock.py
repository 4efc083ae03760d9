# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a site, for the runs of one controller."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import write_all
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError

FILE = "run.lock"


class RunLock:
    """A lock of this process on a file; the kernel drops it when the process ends, however."""

    def __init__(self, descriptor: int, previous: str) -> None:
        """Keep the descriptor: closing any descriptor of the file would drop the lock.

        Args:
            descriptor: The open and locked file.
            previous: What the last run that held the lock said of itself; it is no more.
        """
        self._descriptor = descriptor
        self.previous = previous


def take(state_dir: Path, holder: Mapping[str, str]) -> RunLock:
    """Take the site's lock for the rest of this process.

    It is a POSIX record lock (fcntl(2)): unlike one of flock(2), the workers that a run forks do
    not hold it, so a worker that outlives a killed run keeps nobody out.

    Args:
        state_dir: The site's site_state_dir; made when it is missing.
        holder: Who takes it, for the message of the one that comes second.

    Raises:
        UnsafeError: another run holds it; the message has what that run said of itself.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    path = state_dir / FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        first = _read(descriptor) or "it has only just begun"
        os.close(descriptor)
        raise UnsafeError(
            f"Refused: another run is at work on this site: {first}. Nothing was changed by this "
            f"run. Wait for the end of the other one, then run again. (lock {path})"
        ) from error
    previous = _read(descriptor)
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    write_all(descriptor, json.dumps(dict(holder)).encode())
    return RunLock(descriptor, previous)


def named(holder: Mapping[str, str]) -> str:
    """Return what a run says of itself, in one line."""
    return ", ".join(f"{key} {value}" for key, value in holder.items())


def _read(descriptor: int) -> str:
    """Name the holder in the file; empty when it is just about to write who it is."""
    try:
        return named(json.loads(os.read(descriptor, 4096)))
    except (ValueError, AttributeError):
        return ""

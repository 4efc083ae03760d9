# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are whole or not there: write beside, sync, check, rename, sync the directory."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

TEMPORARY_SUFFIX = ".biomax-new"


@dataclass(frozen=True)
class Attributes:
    """Mode bits and numeric owners of a file; an owner of -1 is left as it is."""

    mode: int = 0o644
    uid: int = -1
    gid: int = -1


def temporary_path(path: Path) -> Path:
    """Return where the new version of `path` is written: hidden, beside it, one fixed name.

    The fixed name lets the next run find and replace what a killed run left.
    """
    return path.with_name(f".{path.name}{TEMPORARY_SUFFIX}")


def sync_directory(path: Path) -> None:
    """Make renames and removals inside the directory `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(
    path: Path,
    data: bytes,
    attributes: Attributes = Attributes(),
    check: Callable[[Path], None] | None = None,
) -> None:
    """Replace `path` by a file that holds `data`.

    Args:
        path: the final name; its directory must exist.
        data: the whole content.
        attributes: mode and owners of the new file.
        check: called with the temporary file's path before the rename; it raises to refuse.

    Raises:
        PlatformError: the disk is full or the file cannot be written; the old file is intact.
    """
    with replacing(path, attributes, check) as descriptor:
        write_all(descriptor, data)


@contextlib.contextmanager
def replacing(
    path: Path, attributes: Attributes, check: Callable[[Path], None] | None = None
) -> Iterator[int]:
    """Yield a descriptor to write the new version of `path`; it takes its place at the end.

    Arguments and errors are those of `write_file`. An exception inside the block leaves the old
    file intact and removes the new one.
    """
    temporary = temporary_path(path)
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            try:
                yield descriptor
                os.fchown(descriptor, attributes.uid, attributes.gid)
                os.fchmod(descriptor, attributes.mode)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if check:
                check(temporary)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
    except OSError as error:
        raise write_error(path, error) from error


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data` to the open file `descriptor`."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_error(path: Path, error: OSError) -> PlatformError:
    """Return the message for a failed write of `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return PlatformError(
            f"Writing {path}: the disk is full ({error.strerror}). The old file is intact. "
            "Free space on that file system and run again."
        )
    return PlatformError(
        f"Writing {path}: {error.strerror} (errno {error.errno}). The old file is intact."
    )

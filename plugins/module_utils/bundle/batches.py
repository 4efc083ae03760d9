# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a bundle packed for the way to a mirror, a batch at a time."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import IntegrityError


def plan_batches(entries: Iterable[Entry], limit: int) -> Iterator[list[Entry]]:
    """Split entries, in order, into batches of at most `limit` bytes; a larger file goes alone."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and size + entry.size > limit:
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch


def write_batch(bundle: Path, entries: Iterable[Entry], archive: Path) -> None:
    """Write the files of `entries` into the tar file `archive`, named by their sums.

    Sums are left to the receiver, which verifies every file; a wrong size is told here, since it
    would end the archive in the middle.

    Raises:
        IntegrityError: a file of the bundle is not there or has another size.
    """
    with tarfile.open(archive, "w") as stream:
        for entry in entries:
            add_file(stream, bundle, entry)


def add_file(stream: tarfile.TarFile, bundle: Path, entry: Entry) -> None:
    """Add the file of `entry` to the archive `stream`, named by its sum.

    Raises:
        IntegrityError: the file is not there or has another size.
    """
    path = bundle / entry.path
    size = path.stat().st_size if path.is_file() else -1
    if size != entry.size:
        found = "no file" if size < 0 else f"{size} bytes"
        raise IntegrityError(
            f"{path} should have {entry.size} bytes and there is {found}. "
            "Run `bundle verify`, then build the bundle again."
        )
    member = tarfile.TarInfo(entry.sha256)
    member.size = entry.size
    with path.open("rb") as source:
        stream.addfile(member, source)

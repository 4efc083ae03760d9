# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a disk with a volatile cache holds after a power cut: QEMU's log of writes, replayed.

QEMU's filter `blklogwrites` logs every write and flush of a guest in the format of the kernel's
dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst). A disk as it was at the
start and the log are enough to make what real disks promise: all that was written before the last
flush, and of the rest an arbitrary part, here chosen by a coin for each write.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.hosts.errors import LabError

SECTOR = 512
MAGIC, VERSION = 0x6A736677736872, 1
SUPER = struct.Struct("<QQQI")  # magic, version, entries, sector size
ENTRY = struct.Struct("<QQQQ")  # sector, sectors, flags, and a length that QEMU leaves at 0
FLUSH, FUA, DISCARD = 1, 2, 4
_FLAGS = 0x3F


@dataclass(frozen=True)
class Entry:
    """One write or flush: where it goes, and where its data is in the log, in bytes."""

    sector: int
    sectors: int
    flags: int
    data_at: int

    @property
    def size(self) -> int:
        """Bytes of the disk that it changes."""
        return self.sectors * SECTOR

    @property
    def logged(self) -> int:
        """Bytes of data that follow it in the log."""
        return 0 if self.flags & DISCARD else self.size


@dataclass(frozen=True)
class Outcome:
    """Writes of a replay: flushed by the host, kept and dropped by the coin, cut in flight."""

    flushed: int
    kept: int
    dropped: int
    torn: int


def entries(log: int) -> Iterator[Entry]:
    """Read the entries of a log.

    A write that was in flight at the cut may be missing: the log has zeros there, and the next
    entry starts at the first sector that is not zero.

    Args:
        log: descriptor of the log, a sparse file larger than what was written.

    Raises:
        LabError: what stands there is no entry.
    """
    after = SECTOR
    while (at := _next_sector(log, after)) is not None:
        raw = os.pread(log, SECTOR, at)
        sector, sectors, flags, length = ENTRY.unpack_from(raw)
        if length or flags & ~_FLAGS or any(raw[ENTRY.size :]):
            raise LabError(f"The log of writes is damaged at byte {at}: {raw[:32].hex()}.")
        entry = Entry(sector, sectors, flags, at + SECTOR)
        yield entry
        after = entry.data_at + entry.logged


def _next_sector(log: int, at: int) -> int | None:
    """Return the first sector from `at` on that is not zero, as a byte number."""
    while True:
        try:
            data = os.lseek(log, at, os.SEEK_DATA)  # skips what was never written
        except OSError:
            return None
        at = max(at, data - data % SECTOR)
        raw = os.pread(log, SECTOR, at)
        if any(raw):
            return at
        if len(raw) < SECTOR:
            return None
        at += SECTOR


def replay(disk: Path, log: Path) -> Outcome:
    """Bring a disk from its start to what it holds after the cut.

    The same log gives the same disk, so a replay that is cut itself can be repeated.

    Args:
        disk: image of the disk as it was when the log began; changed in place.
        log: the log of writes.

    Returns:
        What became of the writes.

    Raises:
        LabError: the log is not one, or is damaged.
    """
    source, target = os.open(log, os.O_RDONLY), os.open(disk, os.O_RDWR)
    try:
        _check(source, log)
        found = list(entries(source))
        flushes = [number for number, entry in enumerate(found) if entry.flags & FLUSH]
        last_flush = flushes[-1] if flushes else -1
        coin = random.Random(last_flush)  # noqa: S311 - a repeatable choice, not a secret
        counts = {"flushed": 0, "kept": 0, "dropped": 0, "torn": 0}
        for number, entry in enumerate(found):
            if entry.sectors:
                fate = _fate(source, entry, number <= last_flush, coin)
                counts[fate] += 1
                if fate in ("flushed", "kept"):
                    _apply(source, target, entry)
        os.fsync(target)
    finally:
        os.close(source)
        os.close(target)
    return Outcome(**counts)


def _check(source: int, log: Path) -> None:
    raw = os.pread(source, SUPER.size, 0)
    if not any(raw):
        return  # the super block comes with the first flush
    magic, version, _count, size = SUPER.unpack(raw)
    if (magic, version, size) != (MAGIC, VERSION, SECTOR):
        raise LabError(f"{log} is not a log of writes that this lab made.")


def _fate(source: int, entry: Entry, is_before_flush: bool, coin: random.Random) -> str:
    if entry.logged and _has_hole(source, entry):
        return "torn"  # it never ended, so no flush covers it
    if is_before_flush or entry.flags & FUA:
        return "flushed"
    return "kept" if coin.random() < 0.5 else "dropped"


def _has_hole(source: int, entry: Entry) -> bool:
    return os.lseek(source, entry.data_at, os.SEEK_HOLE) < entry.data_at + entry.logged


def _apply(source: int, target: int, entry: Entry) -> None:
    at, left, position = entry.sector * SECTOR, entry.size, entry.data_at
    while left:
        size = min(left, 1 << 20)
        data = bytes(size) if entry.flags & DISCARD else os.pread(source, size, position)
        os.pwrite(target, data, at)
        at, left, position = at + len(data), left - len(data), position + len(data)

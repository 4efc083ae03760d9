# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a disk holds after a power cut, from logs as QEMU writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.hosts.errors import LabError
from lab.hosts.write_log import (
    DISCARD,
    ENTRY,
    FLUSH,
    FUA,
    MAGIC,
    SECTOR,
    SUPER,
    VERSION,
    Outcome,
    replay,
)

SECTORS = 64
BLOCK = 4096 // SECTOR  # holes of a file are whole blocks, so data comes in blocks here


class Log:
    """A log in the making; `hole` leaves out what a write in flight would have logged."""

    def __init__(self, folder: Path) -> None:
        self.disk, self.log = folder / "disk.img", folder / "disk.log"
        self.disk.write_bytes(b"o" * SECTORS * SECTOR)
        self.file = self.log.open("wb")
        self.file.truncate(1 << 30)
        self.file.write(SUPER.pack(MAGIC, VERSION, 0, SECTOR).ljust(SECTOR, b"\0"))

    def write(self, sector: int, letter: bytes, flags: int = 0, sectors: int = BLOCK) -> None:
        """Log a write of `sectors` sectors full of `letter`."""
        self.entry(sector, sectors, flags)
        self.file.write(letter * sectors * SECTOR)

    def entry(self, sector: int, sectors: int, flags: int) -> None:
        self.file.write(ENTRY.pack(sector, sectors, flags, 0).ljust(SECTOR, b"\0"))

    def flush(self) -> None:
        self.entry(0, 0, FLUSH)

    def hole(self, size: int) -> None:
        self.file.seek(size, 1)

    def cut(self) -> tuple[Outcome, str]:
        """Replay; return what became of the writes, and one letter per block of the disk."""
        self.file.close()
        outcome = replay(self.disk, self.log)
        return outcome, self.disk.read_bytes()[:: BLOCK * SECTOR].decode()


@pytest.fixture(name="log")
def fixture_log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_what_was_flushed_is_there_in_order(log: Log) -> None:
    log.write(0, b"a")
    log.write(8, b"b")
    log.write(0, b"c")
    log.flush()
    assert log.cut() == (Outcome(flushed=3, kept=0, dropped=0, torn=0), "cboooooo")


def test_each_write_since_the_last_flush_has_its_own_fate(log: Log) -> None:
    log.write(0, b"a")
    log.flush()
    for block in range(1, 8):
        log.write(block * BLOCK, b"n")
    outcome, blocks = log.cut()
    assert (outcome.flushed, outcome.kept + outcome.dropped) == (1, 7)
    assert 0 < outcome.kept < 7
    assert blocks.count("n") == outcome.kept
    assert blocks[0] == "a"


def test_the_same_log_gives_the_same_disk(log: Log) -> None:
    for block in range(8):
        log.write(block * BLOCK, b"n")
    _outcome, blocks = log.cut()
    replay(log.disk, log.log)
    assert log.disk.read_bytes()[:: BLOCK * SECTOR].decode() == blocks


def test_a_write_through_the_cache_is_never_dropped(log: Log) -> None:
    for block in range(8):
        log.write(block * BLOCK, b"n", FUA)
    assert log.cut() == (Outcome(flushed=8, kept=0, dropped=0, torn=0), "n" * 8)


def test_a_write_in_flight_is_left_out_and_the_next_entry_found(log: Log) -> None:
    log.write(0, b"a")
    log.hole(SECTOR + BLOCK * SECTOR)
    log.write(8, b"b")
    log.flush()
    assert log.cut() == (Outcome(flushed=2, kept=0, dropped=0, torn=0), "aboooooo")


def test_half_a_write_is_no_write(log: Log) -> None:
    log.write(0, b"a")
    log.flush()
    log.entry(8, 4 * BLOCK, 0)
    log.file.write(b"t" * 4096)  # the rest of its data never came
    assert log.cut() == (Outcome(flushed=1, kept=0, dropped=0, torn=1), "aooooooo")


def test_discards_have_no_data(log: Log) -> None:
    log.entry(0, BLOCK, DISCARD)
    log.write(8, b"b")
    log.flush()
    assert log.cut() == (Outcome(flushed=2, kept=0, dropped=0, torn=0), "\0boooooo")


def test_a_log_that_ended_before_its_first_flush_drops_or_keeps(log: Log) -> None:
    log.file.seek(0)
    log.file.write(bytes(SECTOR))
    for block in range(8):
        log.write(block * BLOCK, b"n")
    outcome, blocks = log.cut()
    assert (outcome.flushed, blocks.count("n")) == (0, outcome.kept)


def test_other_files_and_damaged_logs_are_refused(log: Log) -> None:
    log.file.write(b"x" * SECTOR)
    with pytest.raises(LabError, match="damaged at byte 512: 7878"):
        log.cut()
    log.log.write_bytes(b"y" * SECTOR)
    with pytest.raises(LabError, match="is not a log of writes"):
        replay(log.disk, log.log)

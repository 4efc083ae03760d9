"""Tar files with the same bytes each time: sorted members, one time, one owner."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Member:
    """One member: a file (`data` or `source`), a symbolic link (`target`) or a directory."""

    mode: int = 0o644
    data: bytes | None = None
    source: Path | None = None
    target: str | None = None

    @property
    def is_directory(self) -> bool:
        """Return whether the member is a directory."""
        return self.data is None and self.source is None and self.target is None


def directory(mode: int = 0o755) -> Member:
    """Return a directory."""
    return Member(mode=mode)


def symlink(target: str) -> Member:
    """Return a symbolic link to `target`."""
    return Member(mode=0o777, target=target)


def write_tar(output: Path, members: Mapping[str, Member]) -> None:
    """Write `members` (path without a leading slash -> member) to `output`, uncompressed.

    Directories above members are added with mode 0755. Owner is root, times are zero.
    """
    complete = dict(members)
    for name in members:
        for parent in list(PurePosixPath(name).parents)[:-1]:
            complete.setdefault(str(parent), directory())
    with tarfile.open(output, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(complete):
            _add(archive, name, complete[name])


def _add(archive: tarfile.TarFile, name: str, member: Member) -> None:
    info = tarfile.TarInfo(name)
    info.mode = member.mode
    if member.is_directory:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    elif member.target is not None:
        info.type = tarfile.SYMTYPE
        info.linkname = member.target
        archive.addfile(info)
    elif member.source is not None:
        info.size = member.source.stat().st_size
        with member.source.open("rb") as stream:
            archive.addfile(info, stream)
    else:
        data = member.data or b""
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror's copy of a bundle: what is missing, batches taken in, a new index published.

Beside the bundle directory lie `incoming` (the wanted index and files already received, named by
their sum) and `upload` (the batch under way). Received files wait there until all have come,
so hosts never see half of a new bundle, and a cut transfer goes on where it stopped. Standard
library only: this runs on hosts.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    SIGNATURE_NAME,
    Entry,
    Index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
    verify_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import (
    Attributes,
    replacing,
    sync_directory,
    write_error,
    write_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    NotReadyError,
)

_CHUNK = 1024 * 1024  # bytes copied at a time


class Sums(Protocol):
    """SHA-256 sums that are computed once for each version of a file."""

    def sha256(self, path: Path) -> str:
        """Return the hexadecimal sum of the file at `path`."""

    def remember(self, path: Path, sha256: str) -> None:
        """Take a sum as known, for a file that was verified a moment ago."""


@dataclass(frozen=True)
class Comparison:
    """The store beside an index.

    Attributes:
        missing: entries whose bytes the store does not have, one for each sum.
        staged: entries that lie in `incoming` or elsewhere in the store and wait for their place.
        extra: files of the bundle directory that the index does not list, relative paths.
    """

    missing: tuple[Entry, ...] = ()
    staged: tuple[Entry, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def missing_bytes(self) -> int:
        """Return how many bytes have to be transferred."""
        return sum(entry.size for entry in self.missing)


@dataclass(frozen=True)
class Store:
    """A bundle directory and what lies beside it.

    Attributes:
        path: the bundle directory that the mirror serves.
        sums: where sums of files come from.
    """

    path: Path
    sums: Sums

    @property
    def incoming(self) -> Path:
        """Return the directory of what was received and not yet published."""
        return self.path.parent / "incoming"

    @property
    def upload(self) -> Path:
        """Return the directory into which the controller puts a batch."""
        return self.path.parent / "upload"

    def free_bytes(self) -> int:
        """Return the free space of the store's file system."""
        existing = next(p for p in (self.path, *self.path.parents) if p.exists())
        return shutil.disk_usage(existing).free

    def published_sum(self) -> str:
        """Return the sum of the published index, empty when there is none."""
        index = self.path / INDEX_NAME
        if not index.is_file() or not (self.path / SIGNATURE_NAME).is_file():
            return ""
        return self.sums.sha256(index)

    def compare(self, index: Index) -> Comparison:
        """Compare the store with `index`; reads only, and hashes only what changed."""
        entries = file_entries(index)
        wanted = {entry.path for entry in entries} | {INDEX_NAME, SIGNATURE_NAME}
        absent = [entry for entry in entries if not self._holds(self.path / entry.path, entry)]
        missing: dict[str, Entry] = {}
        staged = []
        for entry in absent:
            if self._holds(self.incoming / entry.sha256, entry):
                staged.append(entry)
            else:
                missing.setdefault(entry.sha256, entry)
        extra = sorted(path for path in _files(self.path) if path not in wanted)
        return Comparison(tuple(missing.values()), tuple(staged), tuple(extra))

    def prepare(self, index_dir: Path, public_key: str, owner: int) -> None:
        """Make the directories and keep the wanted index, so that batches can be judged by it.

        Args:
            index_dir: directory with the wanted index and its signature.
            public_key: the key that signs indexes.
            owner: numeric id of the user who uploads batches.
        """
        load_verified_index(index_dir, public_key)
        shutil.rmtree(self.upload, ignore_errors=True)
        for directory, mode in ((self.path, 0o755), (self.incoming, 0o755), (self.upload, 0o700)):
            directory.mkdir(parents=True, exist_ok=True)
            directory.chmod(mode)
        os.chown(self.upload, owner, -1)
        for name in (SIGNATURE_NAME, INDEX_NAME):
            write_file(self.incoming / name, (index_dir / name).read_bytes())

    def receive(self, index: Index, batch: Path) -> list[str]:
        """Take the files of a batch into `incoming`, each verified against `index`.

        Args:
            index: the wanted index.
            batch: a tar archive whose members are named by their SHA-256.

        Returns:
            The sums taken in.

        Raises:
            IntegrityError: a member is not what its name and the index say; it was not kept.
            PlatformError: the disk is full.
            FileNotFoundError: a later run has begun, whose `prepare` took the batch away.
        """
        by_sum = {entry.sha256: entry for entry in file_entries(index)}
        taken = []
        try:
            with tarfile.open(batch, "r:") as archive:
                for member in archive:
                    entry = by_sum.get(member.name)
                    stream = archive.extractfile(member) if entry and member.isfile() else None
                    if entry is None or stream is None:
                        raise IntegrityError(
                            f"Unpacking {batch}: member {member.name!r} is no file of the signed "
                            "index. Nothing of it was kept; run the transfer again."
                        )
                    self._take(entry, stream)
                    taken.append(entry.sha256)
        except tarfile.TarError as error:
            raise IntegrityError(
                f"Unpacking {batch}: {error}. The upload was cut; run the transfer again."
            ) from error
        return taken

    def publish(self, index: Index, index_dir: Path) -> tuple[list[str], list[str]]:
        """Put everything in place, remove what left, and make the new index the valid one.

        Args:
            index: the wanted index.
            index_dir: where it and its signature lie: `incoming`, or `path` when a call that a
                killed controller left behind has published it meanwhile.

        Returns:
            The paths that were placed and the paths that were removed.

        Raises:
            NotReadyError: files are still missing; nothing was changed.
        """
        found = self.compare(index)
        if found.missing:
            names = ", ".join(entry.path for entry in found.missing[:5])
            raise NotReadyError(
                f"Publishing the bundle in {self.path}: {len(found.missing)} files have not come "
                f"({names}, …). Nothing was changed; run the transfer again."
            )
        self._place(found.staged)
        for path in found.extra:
            (self.path / path).unlink(missing_ok=True)
        _remove_empty_directories(self.path)
        # The signature first: while the two differ, hosts refuse the index and try again.
        for name in (SIGNATURE_NAME, INDEX_NAME):
            write_file(self.path / name, (index_dir / name).read_bytes())
        shutil.rmtree(self.incoming, ignore_errors=True)
        shutil.rmtree(self.upload, ignore_errors=True)
        sync_directory(self.path.parent)
        self.sums.sha256(self.path / INDEX_NAME)
        for entry in found.staged:  # last, because removing a link changes a file's ctime
            self.sums.remember(self.path / entry.path, entry.sha256)
        return [entry.path for entry in found.staged], list(found.extra)

    def _holds(self, path: Path, entry: Entry) -> bool:
        try:
            if path.is_symlink() or path.stat().st_size != entry.size:
                return False
            return self.sums.sha256(path) == entry.sha256
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _take(self, entry: Entry, stream: IO[bytes]) -> None:
        path = self.incoming / entry.sha256
        verify = partial(verify_file, entry=entry)
        with (
            replacing(path, Attributes(), verify) as descriptor,
            open(descriptor, "wb", closefd=False) as target,
        ):
            shutil.copyfileobj(stream, target, _CHUNK)
        self.sums.remember(path, entry.sha256)

    def _place(self, staged: Iterable[Entry]) -> None:
        """Link received files to their paths; one file may stand at several."""
        directories = set()
        for entry in staged:
            target = self.path / entry.path
            link = target.with_name(f".{target.name}.new")
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)
                os.link(self.incoming / entry.sha256, link)
                link.replace(target)
            except OSError as error:
                raise write_error(target, error) from error
            directories.add(target.parent)
        for directory in directories:
            sync_directory(directory)


def file_entries(index: Index) -> tuple[Entry, ...]:
    """Return the entries that are files; an image is a view of blobs that are listed themselves."""
    return tuple(entry for entry in index.entries if entry.kind != "image")


def _files(root: Path) -> Iterator[str]:
    """Yield everything below `root` that is no directory, as relative paths."""
    for directory, _, names in os.walk(root):
        for name in names:
            yield str((Path(directory) / name).relative_to(root))


def _remove_empty_directories(root: Path) -> None:
    for directory, _, _ in os.walk(root, topdown=False):
        path = Path(directory)
        if path != root and not any(path.iterdir()):
            path.rmdir()

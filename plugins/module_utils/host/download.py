# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of the bundle on their way into place: nothing takes a name before its sum is right."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Context

_CHUNK = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Part:
    """One installed file: its path in an archive ("" for a binary), on the host, and its sum."""

    member: str
    path: str
    sha256: str


def install_binary(
    context: Context, entry: Entry, parts: Sequence[Part], wanted: atomic.Attributes
) -> None:
    """Download a single file into place.

    Raises:
        IntegrityError: the bytes differ from the index; the old file is intact.
    """
    target = context.host.at(parts[0].path)
    with atomic.replacing(target, wanted, None) as descriptor:
        _download(context, entry, descriptor, parts[0].path)


def archive_path(target: Path, entry: Entry) -> Path:
    """Return where the archive of `entry` lies while its member `target` is installed."""
    return atomic.temporary_path(target.with_name(f"{entry.name}.archive"))


def install_archive(
    context: Context, entry: Entry, parts: Sequence[Part], wanted: atomic.Attributes
) -> None:
    """Download an archive beside the targets, verify it, install the members that differ.

    Raises:
        IntegrityError: archive or member differ from the index; old files are intact.
    """
    archive = archive_path(context.host.at(parts[0].path), entry)
    try:
        _fetch_archive(context, entry, archive)
        with tarfile.open(archive) as opened:
            for part in parts:
                _install_member(context, entry, opened, part, wanted)
    except (tarfile.TarError, EOFError) as error:
        raise PlatformError(
            f"Unpacking {entry.label}: {error}. Its sum is as listed in the index, so it was built "
            "like this: build the bundle again."
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _fetch_archive(context: Context, entry: Entry, archive: Path) -> None:
    archive.unlink(missing_ok=True)
    try:
        descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _download(context, entry, descriptor, str(archive))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise atomic.write_error(archive, error) from error


def _download(context: Context, entry: Entry, descriptor: int, target: str) -> None:
    """Write the artifact to `descriptor` and verify it; `target` is named in messages."""
    stream = context.source.open(entry.path)
    digest, size = hashlib.sha256(), 0
    try:
        for chunk in stream.chunks():
            digest.update(chunk)
            size += len(chunk)
            atomic.write_all(descriptor, chunk)
    finally:
        stream.close()
    if digest.hexdigest() != entry.sha256:
        raise IntegrityError(
            f"Installing {entry.label} as {target}: expected sha256:{entry.sha256} "
            f"({entry.size} bytes), found sha256:{digest.hexdigest()} ({size} bytes) at "
            f"{stream.url}. The old file is intact. Run `bundle verify` on the mirror and "
            "transfer the bundle again."
        )


def _install_member(
    context: Context, entry: Entry, opened: tarfile.TarFile, part: Part, wanted: atomic.Attributes
) -> None:
    target = context.host.at(part.path)
    plain = target.is_file() and not target.is_symlink()
    if plain and context.hashes.sha256(target) == part.sha256:
        return
    source = _member(entry, opened, part)
    with atomic.replacing(target, wanted, None) as descriptor:
        digest = hashlib.sha256()
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            atomic.write_all(descriptor, chunk)
        if digest.hexdigest() != part.sha256:
            raise IntegrityError(
                f"Installing {part.member} of {entry.label} as {part.path}: expected "
                f"sha256:{part.sha256}, found sha256:{digest.hexdigest()}. The old file is intact. "
                "Build the bundle again: its index and its archive do not agree."
            )


def _member(entry: Entry, opened: tarfile.TarFile, part: Part) -> IO[bytes]:
    for name in (part.member, f"./{part.member}"):
        try:
            stream = opened.extractfile(name)
        except KeyError:
            continue
        if stream:
            return stream
    raise PlatformError(
        f"Unpacking {entry.label}: it has no file {part.member}. Build the bundle again."
    )

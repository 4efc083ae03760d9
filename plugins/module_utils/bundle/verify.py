# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files compared with the signed index. Standard library only: this runs on hosts."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    SIGNATURE_NAME,
    Entry,
    Index,
    load_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.signature import (
    verify_signature_bytes,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)

_CHUNK = 1024 * 1024  # bytes read at a time


def sha256_file(path: str | os.PathLike[str]) -> str:
    """Return the lower-case hexadecimal SHA-256 of the file at `path`."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def verify_file(path: str | os.PathLike[str], entry: Entry) -> None:
    """Raise IntegrityError unless the file at `path` has the size and sum that `entry` lists."""
    where = Path(path)
    try:
        size = where.stat().st_size
        found = sha256_file(where) if size == entry.size else ""
    except OSError as error:
        raise _unreadable(where, entry, error) from error
    _compare(where, entry, size, found)


def read_verified(path: str | os.PathLike[str], entry: Entry) -> bytes:
    """Return the bytes of the file at `path`, once they are what `entry` lists.

    The bytes that were verified are the bytes that are returned.

    Raises:
        IntegrityError: the file cannot be read, or has another size or sum.
    """
    where = Path(path)
    try:
        data = where.read_bytes()
    except OSError as error:
        raise _unreadable(where, entry, error) from error
    _compare(where, entry, len(data), hashlib.sha256(data).hexdigest())
    return data


def load_verified_index(directory: str | os.PathLike[str], public_key: str) -> Index:
    """Return the index of the bundle in `directory` after its signature was verified.

    The bytes that were verified are the bytes that are parsed.
    """
    root = Path(directory)
    try:
        data = (root / INDEX_NAME).read_bytes()
        signature = (root / SIGNATURE_NAME).read_bytes()
    except OSError as error:
        raise InputError(
            f"Reading the bundle in {root}: {error}. Give the directory that holds {INDEX_NAME} "
            "and its signature; an interrupted build has none: build it again."
        ) from error
    verify_signature_bytes(data, signature, public_key, str(root / INDEX_NAME))
    return load_index(data)


def _compare(where: Path, entry: Entry, size: int, found: str) -> None:
    if size != entry.size:
        raise _mismatch(where, entry, f"{entry.size} bytes", f"{size} bytes")
    if found != entry.sha256:
        raise _mismatch(where, entry, f"sha256:{entry.sha256}", f"sha256:{found}")


def _unreadable(where: Path, entry: Entry, error: OSError) -> IntegrityError:
    return IntegrityError(
        f"Verifying {entry.label} at {where}: {error.strerror}. Transfer the bundle again."
    )


def _mismatch(path: Path, entry: Entry, expected: str, found: str) -> IntegrityError:
    return IntegrityError(
        f"{path} is not what the signed index lists for {entry.label}: expected {expected}, "
        f"found {found}. The file was not used. Transfer the bundle again; if it stays so, the "
        "copy at its source is damaged: run `bundle verify` there."
    )

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of large files, computed once per (inode, size, mtime, ctime)."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common import atomic

_CHUNK = 1024 * 1024  # bytes read at a time


class Hashes:
    """A cache of SHA-256 sums in one small file of the engine's state."""

    def __init__(self, path: Path) -> None:
        """Use the cache file `path`; a missing or damaged one counts as empty."""
        self._path = path
        self._changed = False
        self.bytes_hashed = 0
        self._known: dict[str, dict[str, Any]] = {}
        try:
            loaded = json.loads(path.read_text(encoding="utf-8"))
            self._known = loaded if isinstance(loaded, dict) else {}
        except (OSError, ValueError):
            self._known = {}

    def sha256(self, path: Path) -> str:
        """Return the hexadecimal sum of the file `path`; reads it only when it changed."""
        with path.open("rb") as stream:
            key = _identity(os.fstat(stream.fileno()))
            known = self._known.get(str(path))
            if isinstance(known, dict) and known.get("key") == key:
                return str(known["sha256"])
            digest = hashlib.sha256()
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                self.bytes_hashed += len(chunk)
            self._known[str(path)] = {"key": key, "sha256": digest.hexdigest()}
            self._changed = True
            return digest.hexdigest()

    def remember(self, path: Path, sha256: str) -> None:
        """Take a sum as known, for a file that was verified a moment ago."""
        self._known[str(path)] = {"key": _identity(path.stat()), "sha256": sha256}
        self._changed = True

    def learn(self, path: Path, sha256: str) -> None:
        """Remember the sum of a file that was just written with a known sum."""
        self._known[str(path)] = {"key": _identity(path.stat()), "sha256": sha256}
        self._changed = True

    def save(self) -> None:
        """Write the cache when it changed; its directory must exist."""
        if self._changed:
            self._known = {path: row for path, row in self._known.items() if Path(path).exists()}
            data = (json.dumps(self._known, sort_keys=True) + "\n").encode()
            atomic.write_file(self._path, data, atomic.Attributes(mode=0o600))
            self._changed = False


def _identity(found: os.stat_result) -> list[int]:
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]

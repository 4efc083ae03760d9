# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a bundle a host already holds. Standard library only: this runs on hosts."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

BLOBS = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"
SHORT = 16  # hexadecimal digits that tell the artifacts of one bundle apart


def image_blobs(base: Path) -> list[str]:
    """List what containerd's content store holds, by the first digits of each sum."""
    folder = base / BLOBS
    if not folder.is_dir():
        return []
    return sorted(path.name[:SHORT] for path in folder.iterdir())


def held_by_mirror(index: Path, current_sha256: str) -> list[str] | None:
    """List what a mirror holds that has another index than the controller.

    Args:
        index: The mirror's index of its bundle.
        current_sha256: Sum of the controller's index; empty when it is not known.

    Returns:
        The first digits of the sums of its entries; None when the mirror has the controller's
        index, and so everything, or when nothing can be compared.
    """
    try:
        data = index.read_bytes()
    except OSError:
        return None
    if not current_sha256 or hashlib.sha256(data).hexdigest() == current_sha256:
        return None
    try:
        entries: list[dict[str, Any]] = json.loads(data)["entries"]
        sums = {str(entry.get("sha256") or entry.get("digest", "")) for entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # an index that cannot be read vouches for nothing
    return sorted(text.removeprefix("sha256:")[:SHORT] for text in sums)

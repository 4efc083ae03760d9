# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State files of a member: whole or absent after a cut, directories made when missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import (
    Attributes,
    sync_directory,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import (
    write_file as replace_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError


def make_directory(path: Path, mode: int = 0o700) -> None:
    """Make a directory and its parents.

    Args:
        path: The directory; its mode is set only when it is made here.
        mode: Permission bits of the directory; parents get 0755.
    """
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    path.mkdir(mode=mode, exist_ok=True)


def write_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file so that a cut at any moment leaves the old or the new one.

    Args:
        path: The file; missing directories are made (0700).
        content: Its new bytes.
        mode: Permission bits, set before the content is in place.

    Raises:
        PlatformError: The disk is full or the file cannot be written.
    """
    make_directory(path.parent)
    replace_file(path, content, Attributes(mode=mode))


def remove_file(path: Path) -> None:
    """Remove a file, if it is there, so that it does not come back after a power cut."""
    if path.exists() or path.is_symlink():
        path.unlink()
        sync_directory(path.parent)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object durably, readable by root alone."""
    write_file(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object.

    Returns:
        The object, or None when the file does not exist.

    Raises:
        PlatformError: The file holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise PlatformError(
            f"Cannot read {path}: {error}. Look at the file before going on."
        ) from error
    if not isinstance(value, dict):
        raise PlatformError(f"Expected a JSON object in {path}, found {type(value).__name__}.")
    return value

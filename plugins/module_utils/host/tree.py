# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at and changing entries of the host's file tree; shared by the kinds with files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import sum_of
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

ABSENT = "absent"
_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}


@dataclass(frozen=True)
class Found:
    """What is at a path: `kind` is absent, file, directory, symlink or other."""

    kind: str = ABSENT
    mode: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    target: str = ""


@dataclass(frozen=True)
class Owners:
    """Wanted owners by name, and their ids where the host knows them already."""

    user: str
    group: str
    uid: int | None
    gid: int | None

    def known(self) -> str:
        """Return the ids as a fingerprint has them; an owner that does not exist yet is `?`."""
        return ":".join("?" if number is None else str(number) for number in (self.uid, self.gid))


def look(host: Host, path: str) -> Found:
    """Return what is at the host's `path`; a symlink is not followed."""
    return look_at(host.at(path))


def look_at(real: Path) -> Found:
    """Return what is at `real`, a path of this machine."""
    try:
        found = real.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Found()
    kind = _TYPES.get(stat.S_IFMT(found.st_mode), "other")
    target = str(real.readlink()) if kind == "symlink" else ""
    mode = stat.S_IMODE(found.st_mode)
    return Found(kind, mode, found.st_uid, found.st_gid, found.st_size, target)


def evidence(found: Found, content: bytes | None = None) -> dict[str, Any]:
    """Return `found` in words, for the fingerprint of a plan; a content only as its sum."""
    if found.kind in (ABSENT, "other"):
        return {"is": found.kind}
    if found.kind == "symlink":
        return {"is": f"a symlink to {found.target}"}
    words = {"is": found.kind, "mode": f"{found.mode:04o}", "owner": f"{found.uid}:{found.gid}"}
    return words if content is None else {**words, "content": sum_of(content)}


def owners(host: Host, args: Mapping[str, Any]) -> Owners:
    """Return the owners that the declaration `args` wants."""
    user, group = str(args["owner"]), str(args["group"])
    return Owners(user, group, host.user_id(user), host.group_id(group))


def attribute_changes(found: Found, mode: int, wanted: Owners) -> list[str]:
    """Return what differs in mode and owners, in words; [] when nothing does."""
    changes = []
    if found.mode != mode:
        changes.append(f"mode {found.mode:04o} -> {mode:04o}")
    if wanted.uid != found.uid:
        changes.append(f"owner {found.uid} -> {wanted.user}")
    if wanted.gid != found.gid:
        changes.append(f"group {found.gid} -> {wanted.group}")
    return changes


def set_attributes(host: Host, path: str, args: Mapping[str, Any], follow: bool = False) -> None:
    """Set owners and mode of an existing path and make them durable.

    A symlink is refused unless `follow`.
    """
    wanted = attributes(host, args, path)
    flags = os.O_RDONLY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(host.at(path), flags)
        try:
            os.fchown(descriptor, wanted.uid, wanted.gid)
            os.fchmod(descriptor, wanted.mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise atomic.write_error(host.at(path), error) from error


def attributes(host: Host, args: Mapping[str, Any], path: str) -> atomic.Attributes:
    """Return mode and numeric owners for `path`.

    Raises:
        PlatformError: an owner does not exist on the host.
    """
    wanted = owners(host, args)
    if wanted.uid is None or wanted.gid is None:
        missing = f"user {wanted.user}" if wanted.uid is None else f"group {wanted.group}"
        raise PlatformError(
            f"Setting the owner of {path}: {missing} does not exist on this host. Declare it with "
            "a `user` entry, or a package that makes it, before this entry."
        )
    return atomic.Attributes(int(str(args["mode"]), 8), wanted.uid, wanted.gid)


def missing_parents(host: Host, path: str) -> list[str]:
    """Return the directories above `path` that do not exist, outermost first."""
    missing = []
    for parent in PurePosixPath(path).parents:
        if host.at(str(parent)).exists():
            break
        missing.append(str(parent))
    return missing[::-1]


def make_parents(host: Host, path: str) -> None:
    """Make the missing directories above `path`, root:root 0755, durably."""
    for parent in missing_parents(host, path):
        real = host.at(parent)
        try:
            real.mkdir(exist_ok=True)
            real.chmod(0o755)  # whatever the umask of the connection is
            atomic.sync_directory(real.parent)
        except OSError as error:
            raise atomic.write_error(real, error) from error


def existing_parent(path: Path) -> Path:
    """Return the nearest directory above `path` that exists."""
    for parent in path.parents:
        if parent.is_dir():
            return parent
    return Path("/")


def leftover(host: Host, path: str) -> bool:
    """Return whether a killed run left a half-written new version of `path`."""
    return atomic.temporary_path(host.at(path)).is_symlink() or (
        atomic.temporary_path(host.at(path)).exists()
    )


def remove(host: Host, paths: Iterable[str]) -> None:
    """Remove files or symlinks, durably; missing ones are fine."""
    for path in paths:
        real = host.at(path)
        try:
            real.unlink(missing_ok=True)
            atomic.sync_directory(real.parent)
        except OSError as error:
            raise PlatformError(f"Removing {path}: {error.strerror}.") from error

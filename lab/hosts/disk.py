# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk of a lab: one btrfs file system in a sparse file, one subvolume per host.

A host's root is a writable snapshot of the base file system, and `lab snapshot` is a read-only
snapshot of each host, so both take no time and no space at first. Flushes are off (`nobarrier`):
the lab's disk need not survive the machine, and etcd's and dpkg's syncs cost nothing then.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.hosts import guest
from lab.hosts.errors import LabError
from lab.hosts.process import run

# Sparse, so only what the hosts write is taken; it also is what `df` shows in the hosts. It must
# not promise more than the machine has: hosts would see I/O errors instead of a full disk.
MAX_GIB, RESERVE_GIB, MIN_GIB = 64, 2, 4
OPTIONS = "loop,noatime,nobarrier,discard=async"
UNMOUNT_SECONDS = 15.0


def image_gib(free_bytes: int) -> int:
    """Return the size of a new disk image.

    Args:
        free_bytes: what is free on the file system that will hold it.

    Returns:
        The size in GiB.

    Raises:
        LabError: too little is free for any lab.
    """
    size = min(MAX_GIB, (free_bytes >> 30) - RESERVE_GIB)
    if size < MIN_GIB:
        raise LabError(
            f"Cannot make the hosts' disk: {free_bytes >> 30} GiB are free, and the lab needs "
            f"{MIN_GIB + RESERVE_GIB}. Free some space."
        )
    return size


@dataclass(frozen=True)
class Disk:
    """The disk image of one instance and where it is mounted."""

    image: Path
    mount: Path

    @property
    def hosts(self) -> Path:
        """Roots of the hosts."""
        return self.mount / "hosts"

    @property
    def snapshots(self) -> Path:
        """One directory per snapshot, with one subvolume per host."""
        return self.mount / "snapshots"

    def open(self) -> None:
        """Make the image unless it is there, and mount it unless it is mounted.

        Raises:
            LabError: the kernel has no btrfs or no loop device, or the image is damaged.
        """
        if self.device():
            return
        if not self.image.is_file():
            self.image.parent.mkdir(parents=True, exist_ok=True)
            partial = self.image.with_suffix(".new")
            with partial.open("wb") as file:
                file.truncate(image_gib(shutil.disk_usage(self.image.parent).free) << 30)
            run(["mkfs.btrfs", "--quiet", "--metadata", "single", "--force", partial])
            partial.rename(self.image)
        self.mount.mkdir(parents=True, exist_ok=True)
        try:
            run(["mount", "-t", "btrfs", "-o", OPTIONS, self.image, self.mount])
        except LabError as error:
            raise LabError(
                f"{error}\nThe hosts' disk needs btrfs and a free loop device. If the image is "
                f"damaged, remove {self.image} and run up again."
            ) from error
        self.hosts.mkdir(exist_ok=True)
        self.snapshots.mkdir(exist_ok=True)
        (self.mount / "base").mkdir(exist_ok=True)

    def device(self) -> str | None:
        """Return the loop device that is mounted, or None."""
        for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
            source, target = line.split(" ")[:2]
            if target == str(self.mount):
                return source
        return None

    def base(self, archive: Path) -> Path:
        """Return the subvolume with the base file system, unpacking it when it is new.

        Args:
            archive: the cached root file system.
        """
        options = ["--xattrs", "--xattrs-include=*", "--numeric-owner"]

        def unpack(root: Path) -> None:
            run(["tar", "-C", root, *options, "-xf", archive])
            guest.customize(root)

        return self._base(f"{archive.stem}-{guest.recipe_hash()}", unpack)

    def base_image(self, image: Path) -> Path:
        """Return the subvolume with the files of a virtual host, copying them when they are new.

        Args:
            image: the cached directory with disk image, kernel and initramfs.
        """
        return self._base(
            image.name, lambda root: run(["cp", "--sparse=always", *image.iterdir(), root])
        )

    def _base(self, name: str, fill: Callable[[Path], object]) -> Path:
        target = self.mount / "base" / name
        if target.is_dir():
            return target
        partial = target.with_name(f"new-{target.name}")
        if partial.is_dir():
            delete_subvolume(partial)
        run(["btrfs", "subvolume", "create", partial])
        fill(partial)
        partial.rename(target)
        return target

    def save(self, name: str, meta: dict[str, object]) -> None:
        """Take a read-only snapshot of every host; the caller has stopped or frozen them.

        Args:
            name: of the snapshot; one of that name is replaced.
            meta: kept with it.
        """
        self.forget(name)
        partial = self.snapshots / f".{name}"
        if partial.is_dir():
            self._delete(partial)
        partial.mkdir(parents=True)
        for host in sorted(self.hosts.iterdir()):
            run(["btrfs", "subvolume", "snapshot", "-r", host, partial / host.name])
        (partial / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        partial.rename(self.snapshots / name)

    def meta(self, name: str) -> dict[str, object]:
        """Return what was kept with a snapshot.

        Raises:
            LabError: there is no such snapshot.
        """
        file = self.snapshots / name / "meta.json"
        if not file.is_file():
            raise LabError(f"There is no snapshot {name}. Known: {', '.join(self.saved()) or '-'}.")
        meta = json.loads(file.read_text(encoding="utf-8"))
        return dict(meta)

    def saved(self) -> list[str]:
        """Return the names of the snapshots."""
        return sorted(entry.name for entry in self.snapshots.glob("[!.]*"))

    def load(self, name: str) -> None:
        """Put every host back to a snapshot; the caller has ended them.

        Args:
            name: of the snapshot.
        """
        self.meta(name)
        self.wipe_hosts()
        for saved in sorted((self.snapshots / name).iterdir()):
            if saved.is_dir():
                run(["btrfs", "subvolume", "snapshot", saved, self.hosts / saved.name])

    def forget(self, name: str) -> None:
        """Remove a snapshot if it is there."""
        if (self.snapshots / name).is_dir():
            self._delete(self.snapshots / name)

    def wipe_hosts(self) -> None:
        """Remove the hosts' file systems; snapshots and base stay."""
        if self.hosts.is_dir():
            self._delete(self.hosts)
        self.hosts.mkdir()

    @staticmethod
    def _delete(directory: Path) -> None:
        for entry in directory.iterdir():
            if entry.is_dir():
                delete_subvolume(entry)
        shutil.rmtree(directory)


def delete_subvolume(path: Path) -> None:
    """Delete a subvolume and those inside it (a container runtime may have made some).

    Args:
        path: the subvolume.
    """
    # A subvolume's root directory has inode 256, and nothing else has.
    for line in run(["btrfs", "subvolume", "list", "-o", path], check=False).splitlines():
        inner = Path(line.split(" path ", 1)[1])
        parts = inner.parts[inner.parts.index(path.name) + 1 :] if path.name in inner.parts else ()
        if parts and path.joinpath(*parts).is_dir():
            delete_subvolume(path.joinpath(*parts))
    run(["btrfs", "subvolume", "delete", path])


def unmount(mount: Path) -> None:
    """Unmount; the loop device goes with it.

    The kernel keeps the file system a moment longer than the hosts' mount namespaces.

    Args:
        mount: a mount point.

    Raises:
        LabError: it stays busy.
    """
    deadline = time.monotonic() + UNMOUNT_SECONDS
    while True:
        try:
            run(["umount", mount])
            return
        except LabError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)

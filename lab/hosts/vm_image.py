# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk image of a virtual host: the same bare Debian 12, with a kernel of its own.

mke2fs fills the image from a directory, so neither a loop device nor a mount is needed, and QEMU
loads kernel and initramfs itself, so there is no boot loader.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from lab.hosts import guest, rootfs
from lab.hosts.errors import LabError
from lab.hosts.instance import Paths
from lab.hosts.process import run

# The cloud kernel has what servers use (device mapper with dm-crypt, rbd, ceph, vxlan, WireGuard)
# without drivers of desktops; ext4 is built in, virtio comes from the initramfs.
PACKAGES = (*rootfs.PACKAGES, "linux-image-cloud-amd64", "udev")
LABEL = "lab-root"
DISK_GIB = 8  # sparse: a host takes what it writes
ROOT, KERNEL, INITRD = "root.img", "vmlinuz", "initrd.img"
IDENTITY_SERIAL = "lab-identity"
INTERFACE = "host0"  # as systemd-nspawn calls it, so one inventory serves both kinds of hosts

# A small initramfs: two modules instead of a hundred. Emulated processors unpack it in a second.
_INITRAMFS_HOOK = (
    'mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d" '
    '&& echo MODULES=list >"$1/etc/initramfs-tools/conf.d/lab" '
    '&& printf "virtio_pci\\nvirtio_blk\\n" >"$1/usr/share/initramfs-tools/modules.d/lab"'
)
# Keys, address and name come on a small disk that holds a plain tar archive, as a provider's
# configuration drive does. They are read at each boot, so a cut while they are written is harmless.
SCRIPT = f"""\
#!/bin/sh
set -eu
udevadm settle --timeout=120 --exit-if-exists=/dev/disk/by-id/virtio-{IDENTITY_SERIAL}
tar --no-same-owner -C / -xf /dev/disk/by-id/virtio-{IDENTITY_SERIAL}
. /etc/lab-host.env
udevadm settle --timeout=120 --exit-if-exists=/sys/class/net/{INTERFACE}
ip -batch - <<EOF
link set lo up
address replace $ADDRESS dev {INTERFACE}
link set {INTERFACE} up
route replace default via $GATEWAY
EOF
"""
LINK = f"[Match]\nDriver=virtio_net\n\n[Link]\nName={INTERFACE}\n"
FSTAB = f"LABEL={LABEL} / ext4 errors=remount-ro 0 1\n"


def cache_key(sources: dict[str, str]) -> str:
    """Return the name under which an image is cached: a hash of its recipe.

    Args:
        sources: apt sources, as returned by `rootfs.usable_sources`.
    """
    base = [rootfs.cache_key(sources), guest.recipe_hash(), PACKAGES]
    recipe = [*base, DISK_GIB, _INITRAMFS_HOOK, SCRIPT, LINK, FSTAB]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]


def cached_image(paths: Paths) -> Path:
    """Return the directory with image, kernel and initramfs of today's recipe."""
    return paths.rootfs / f"vm-{rootfs.SUITE}-{cache_key(rootfs.machine_sources())}"


def build(paths: Paths) -> Path:
    """Build the image unless the cache has it.

    Args:
        paths: of the checkout and instance.

    Returns:
        The directory with `root.img`, `vmlinuz` and `initrd.img`.

    Raises:
        LabError: mmdebstrap or mke2fs failed.
    """
    final = cached_image(paths)
    if final.is_dir():
        return final
    scratch = rootfs.scratch_dir(paths)
    shutil.rmtree(scratch, ignore_errors=True)
    tree, partial = scratch / "tree", scratch / "vm"
    partial.mkdir(parents=True)
    rootfs.bootstrap(paths, tree, PACKAGES, [_INITRAMFS_HOOK])
    customize(tree)
    for name in (KERNEL, INITRD):
        shutil.copyfile(_only(tree / "boot", f"{name}-*"), partial / name)
    with (partial / ROOT).open("wb") as image:
        image.truncate(DISK_GIB << 30)
    run(["mke2fs", "-q", "-t", "ext4", "-L", LABEL, "-d", tree, partial / ROOT])
    partial.rename(final)
    shutil.rmtree(scratch)
    return final


def customize(tree: Path) -> None:
    """Make a fresh root file system that of a virtual host.

    Args:
        tree: the root directory of the file system.
    """
    guest.customize(tree, SCRIPT, masked=())
    guest.write(tree / f"etc/systemd/network/10-{INTERFACE}.link", LINK)
    guest.write(tree / "etc/fstab", FSTAB)
    # Empty and not missing: systemd then takes the id of the kernel's command line and does not
    # take this for a first boot.
    guest.write(tree / "etc/machine-id", "", 0o444)


def _only(directory: Path, pattern: str) -> Path:
    found = sorted(directory.glob(pattern))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "nothing"
        raise LabError(f"Expected one {pattern} in {directory} of a new image, found {names}.")
    return found[0]

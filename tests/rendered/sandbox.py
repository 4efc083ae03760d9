"""A Debian root with the packages and programs of the bundle, in which checkers run.

It is what a host is before its first run plus what the roles install, so that users, units and
files that a configuration names are really there. Needs root; leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.builder.cache import default_root
from lab.hosts import rootfs
from lab.hosts.instance import Instance, Paths
from tests.support.apiserver import program

ROOT = Path(__file__).resolve().parents[2]
ENTER = Path(__file__).with_name("enter.sh")
PROGRAMS = ("containerd", "ctr", "kubeadm", "kubelet", "registry")
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork"]
SECONDS = 120
MEMORY = Path("/dev/shm")
PREFIX = "biomax-rendered-"
INSTALL = """
set -eu
cd "$1"; bundle=$2; shift 2
mkdir bundle; mount --bind "$bundle" bundle
mount -t proc proc proc; mount --rbind /dev dev
printf '#!/bin/sh\\nexit 101\\n' >usr/sbin/policy-rc.d; chmod 755 usr/sbin/policy-rc.d
rm -f etc/apt/sources.list etc/apt/sources.list.d/*
list=etc/apt/sources.list.d/test.list
echo 'deb [signed-by=/bundle/apt/keyring.gpg] file:///bundle/apt platform main' >"$list"
chroot . apt-get -qq update
export DEBIAN_FRONTEND=noninteractive
set -- install --no-install-recommends "$@"
chroot . apt-get -qq -y -o Dpkg::Options::=--force-unsafe-io "$@"
rm "$list"
"""


@dataclass(frozen=True)
class HostRoot:
    """The root of one host.

    Attributes:
        base: Debian with packages and programs.
        files: Directory with the host's rendered files at their places.
        interface: Name of the host's network interface.
        mount_point: An empty directory.
    """

    base: Path
    files: Path
    interface: str
    mount_point: Path

    def run(self, script: str, over: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a shell script in the root.

        Args:
            script: For `sh -eu -c`.
            over: Directory whose files stand over the host's own.

        Returns:
            The finished process; what it changed in the root is gone.
        """
        layers = ":".join(str(path) for path in (over, self.files, self.base) if path)
        return subprocess.run(
            [*NAMESPACES, ENTER, self.mount_point, layers, self.interface, script],
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/root"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


def _memory_directory() -> Path:
    """Make a directory in memory, and remove those of test runs that were killed.

    dpkg waits for the disk after each package, which takes minutes where others write.
    """
    for old in MEMORY.glob(f"{PREFIX}*"):
        if not Path("/proc", old.name.removeprefix(PREFIX)).exists():
            shutil.rmtree(old)
    directory = MEMORY / f"{PREFIX}{os.getpid()}"
    directory.mkdir()
    return directory


@contextmanager
def debian_root(bundle: Path, packages: Iterable[str]) -> Iterator[Path]:
    """Make the root with `packages` of the bundle; it is removed when the block ends.

    Raises:
        RuntimeError: The packages could not be installed; the message ends with apt's words.
    """
    archive = rootfs.build(Paths(ROOT, default_root().parent, Instance("rendered")))
    root = _memory_directory()
    try:
        subprocess.run(["tar", "-C", root, "-xf", archive], check=True)
        command = [*NAMESPACES, "bash", "-c", INSTALL, "install", str(root), str(bundle)]
        done = subprocess.run(
            [*command, *sorted(packages)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"Installing packages of the bundle: {done.stderr[-3000:]}")
        for name in PROGRAMS:
            shutil.copy(program(name), root / "usr/local/bin" / name)
        yield root
    finally:
        shutil.rmtree(root)

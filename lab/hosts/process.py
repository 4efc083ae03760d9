# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running programs of the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.hosts.errors import LabError

# Program -> Debian package that has it.
PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "mkfs.btrfs": "btrfs-progs",
    "btrfs": "btrfs-progs",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
}
# Needed by topologies with virtual hosts only.
VIRTUAL_PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "mke2fs": "e2fsprogs"}
# Administrators' programs are not on the PATH of every shell.
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def environment() -> dict[str, str]:
    """Return the environment for programs: C locale, system directories on PATH."""
    path = os.environ.get("PATH", "/usr/bin:/bin")
    extra = [entry for entry in _SBIN if entry not in path.split(":")]
    return {**os.environ, "LC_ALL": "C.UTF-8", "PATH": ":".join([path, *extra])}


def run(argv: Sequence[str | Path], *, stdin: str = "", check: bool = True) -> str:
    """Run a program to its end.

    Args:
        argv: the program and its arguments.
        stdin: text for its standard input.
        check: raise when it fails; otherwise the output is returned as it is.

    Returns:
        Its standard output.

    Raises:
        LabError: the program is missing or failed; the message holds its last lines.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words, input=stdin, capture_output=True, text=True, check=False, env=environment()
        )
    except FileNotFoundError as error:
        raise LabError(f"Cannot run {words[0]}: it is not installed on this machine.") from error
    if check and done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise LabError(f"Failed ({done.returncode}): {' '.join(words)}\n{tail}")
    return done.stdout


def missing_packages(programs: Mapping[str, str]) -> list[str]:
    """Return the Debian packages whose programs this machine lacks, sorted.

    Args:
        programs: program -> package that has it.
    """
    path = environment()["PATH"]
    lacking = {name for name in programs if shutil.which(name, path=path) is None}
    return sorted({programs[name] for name in lacking})


def install_packages(packages: Sequence[str]) -> None:
    """Install packages with the machine's own apt.

    Args:
        packages: names of Debian packages.

    Raises:
        LabError: there is no apt here, or it failed.
    """
    if shutil.which("apt-get") is None:
        raise LabError(
            f"This machine lacks {', '.join(packages)} and has no apt-get. Install them by hand."
        )
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    options = ["env", "DEBIAN_FRONTEND=noninteractive"]
    try:
        run([*options, *command])
    except LabError:  # package lists may be stale or absent: refresh them and try once more
        run([*options, "apt-get", "update"])
        run([*options, *command])

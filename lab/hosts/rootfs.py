# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root file system of a bare host: Debian 12 as a provider hands it over."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.hosts import cgroups
from lab.hosts.errors import LabError
from lab.hosts.instance import Instance, Paths
from lab.hosts.process import environment

SUITE = "bookworm"
# init, the bus that systemctl talks to, a login, what Ansible needs, and the network's tools.
PACKAGES = ("dbus", "iproute2", "kmod", "openssh-server", "python3", "systemd", "systemd-sysv")
VARIANT = "minbase"
# Documentation is no part of what is tested and is a fifth of the size.
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
BUILD_CGROUP = "rootfs-build"


def usable_sources(texts: dict[str, str]) -> dict[str, str]:
    """Choose the machine's apt sources from which the hosts' Debian can be made.

    Args:
        texts: file name -> content, of one-line (`.list`) and deb822 (`.sources`) files.

    Returns:
        Those with an enabled entry for a suite of Debian 12 and the component `main`.
    """
    one_line = re.compile(rf"^deb\s+(\[[^\]]*\]\s+)?\S+\s+{SUITE}\S*\s.*\bmain\b", re.MULTILINE)
    suites = re.compile(rf"^Suites:.*\b{SUITE}\b", re.MULTILINE)
    components = re.compile(r"^Components:.*\bmain\b", re.MULTILINE)
    chosen = {}
    for name, text in sorted(texts.items()):
        deb822 = any(
            suites.search(block) and components.search(block)
            for block in re.split(r"\n\s*\n", text)
            if not re.search(r"^Enabled:\s*no", block, re.MULTILINE)
        )
        if (name.endswith(".list") and one_line.search(text)) or (
            name.endswith(".sources") and deb822
        ):
            chosen[name] = text
    return chosen


def machine_sources() -> dict[str, str]:
    """Return the usable apt sources of this machine.

    Raises:
        LabError: there are none.
    """
    folder = Path("/etc/apt/sources.list.d")
    files = [Path("/etc/apt/sources.list"), *folder.glob("*.list"), *folder.glob("*.sources")]
    texts = {str(file): file.read_text(encoding="utf-8") for file in files if file.is_file()}
    chosen = usable_sources(texts)
    if not chosen:
        raise LabError(
            f"Cannot make the hosts' file system: no apt source of this machine has {SUITE}/main "
            f"(looked at {', '.join(sorted(texts)) or '/etc/apt'}). Add one and run apt-get update."
        )
    return chosen


def cache_key(sources: dict[str, str]) -> str:
    """Return the name under which a root file system is cached: a hash of its recipe.

    Args:
        sources: as returned by `usable_sources`.
    """
    recipe = [SUITE, VARIANT, PACKAGES, EXCLUDED, sources]
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]


def cached_archive(paths: Paths) -> Path:
    """Return where the root file system of today's recipe is, or will be, cached."""
    return paths.rootfs / f"rootfs-{SUITE}-{cache_key(machine_sources())}.tar"


def scratch_dir(paths: Paths) -> Path:
    """Return the directory in which mmdebstrap works; cleaning unmounts and removes it."""
    return paths.rootfs / f"build-{paths.instance.name}"


def build_cgroup(instance: Instance) -> str:
    """Return the cgroup of the build, so that ending the lab also ends an orphaned build."""
    return f"{instance.cgroup}/{BUILD_CGROUP}"


def build(paths: Paths) -> Path:
    """Build the root file system unless the cache has it.

    Args:
        paths: of the checkout and instance.

    Returns:
        The archive.

    Raises:
        LabError: mmdebstrap failed; the message holds its last lines.
    """
    archive = cached_archive(paths)
    if archive.is_file():
        return archive
    scratch = scratch_dir(paths)
    scratch.mkdir(parents=True, exist_ok=True)
    partial = scratch / archive.name
    bootstrap(paths, partial, PACKAGES)
    partial.rename(archive)
    shutil.rmtree(scratch)
    return archive


def bootstrap(
    paths: Paths, target: Path, packages: Sequence[str], hooks: Sequence[str] = ()
) -> None:
    """Make a Debian with mmdebstrap.

    Args:
        paths: of the checkout and instance.
        target: an archive (`.tar`), or a directory that does not exist yet; in `scratch_dir`.
        packages: what it has beside the essential packages.
        hooks: shell commands before the packages are installed; `$1` is the root directory.

    Raises:
        LabError: mmdebstrap failed; the message holds its last lines.
    """
    argv = ["mmdebstrap", "--mode=root", f"--variant={VARIANT}", f"--include={','.join(packages)}"]
    argv += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    argv += [f"--essential-hook={hook}" for hook in hooks]
    argv += [SUITE, str(target), *machine_sources()]
    process_files = cgroups.create(build_cgroup(paths.instance))
    done = subprocess.run(
        cgroups.launch_argv(process_files, argv),
        env={**environment(), "TMPDIR": str(target.parent)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    cgroups.remove(build_cgroup(paths.instance))
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-12:])
        raise LabError(f"Cannot make the hosts' file system with mmdebstrap:\n{tail}")

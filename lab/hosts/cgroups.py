# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups: one per host in every hierarchy, so that a host can be frozen or ended at once.

systemd-nspawn keeps everything that a host runs below the cgroup it was started in. The process
list of that cgroup is therefore exactly the host, and nothing else of the machine.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.hosts.errors import LabError

# Moves itself into the cgroups whose process files come first, then becomes the given program.
# A shell does it, since a child of a Python process with threads cannot.
_LAUNCHER = (
    'count=$1; shift; while [ "$count" -gt 0 ]; do echo $$ >"$1"; shift; '
    'count=$((count - 1)); done; exec "$@"'
)
_CPUSET_FILES = ("cpuset.cpus", "cpuset.mems")
_V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")
KILL_SECONDS = 15.0


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup hierarchy."""

    mount: Path
    controllers: tuple[str, ...]
    unified: bool


def parse_hierarchies(mounts: str) -> list[Hierarchy]:
    """Find the cgroup hierarchies of a machine.

    Args:
        mounts: content of /proc/self/mounts.

    Returns:
        Every hierarchy, version 1 and unified, in the order in which they are mounted.
    """
    found = []
    for line in mounts.splitlines():
        _source, target, kind, options = line.split(" ")[:4]
        if kind == "cgroup2":
            found.append(Hierarchy(Path(target), (), unified=True))
        elif kind == "cgroup":
            names = tuple(
                word
                for word in options.split(",")
                if word not in {"rw", "ro", "relatime", "nosuid", "nodev", "noexec", "xattr"}
            )
            found.append(Hierarchy(Path(target), names, unified=False))
    return found


def hierarchies() -> list[Hierarchy]:
    """Return the cgroup hierarchies of this machine.

    Raises:
        LabError: none is mounted.
    """
    found = parse_hierarchies(Path("/proc/self/mounts").read_text(encoding="utf-8"))
    if not found:
        raise LabError("Cannot start hosts: no cgroup hierarchy is mounted on this machine.")
    return found


def is_unified_only(found: Sequence[Hierarchy]) -> bool:
    """Tell whether a machine has cgroup version 2 alone."""
    return all(hierarchy.unified for hierarchy in found)


def create(path: str) -> list[Path]:
    """Make a cgroup in every hierarchy.

    Args:
        path: relative to the hierarchies' roots, for example `biomax-lab/default/cp1`.

    Returns:
        The process file (`cgroup.procs`) of the cgroup in each hierarchy.
    """
    found = hierarchies()
    for hierarchy in found:
        level = hierarchy.mount
        for part in path.split("/"):
            if is_unified_only(found):
                _enable_controllers(level)
            child = level / part
            child.mkdir(exist_ok=True)
            # A version 1 cpuset takes no process before it has processors and memory nodes.
            for name in _CPUSET_FILES if "cpuset" in hierarchy.controllers else ():
                (child / name).write_text((level / name).read_text())
            level = child
    return [hierarchy.mount / path / "cgroup.procs" for hierarchy in found]


def _enable_controllers(level: Path) -> None:
    offered = (level / "cgroup.controllers").read_text().split()
    for name in _V2_CONTROLLERS:
        if name in offered:
            (level / "cgroup.subtree_control").write_text(f"+{name}")


def launch_argv(process_files: Iterable[Path], argv: Sequence[str]) -> list[str]:
    """Return a command that runs `argv` inside cgroups.

    Args:
        process_files: as returned by `create`.
        argv: the program and its arguments.
    """
    files = [str(path) for path in process_files]
    return ["sh", "-ec", _LAUNCHER, "lab-launch", str(len(files)), *files, *argv]


def directories(path: str) -> list[Path]:
    """Return a cgroup and all below it, in every hierarchy, children before their parents."""
    found: list[Path] = []
    for hierarchy in hierarchies():
        top = hierarchy.mount / path
        if top.is_dir():
            found += [Path(root) for root, _dirs, _files in os.walk(top, topdown=False)]
    return found


def processes(path: str) -> set[int]:
    """Return the process ids in a cgroup and below it, over all hierarchies."""
    pids: set[int] = set()
    for directory in directories(path):
        with contextlib.suppress(OSError):  # the cgroup went away while it was being read
            pids.update(int(word) for word in (directory / "cgroup.procs").read_text().split())
    return pids - {0}


def is_namespace_init(pid: int) -> bool:
    """Tell whether a process is process 1 of a namespace of its own, one level down."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                ids = line.split()[1:]
                return len(ids) == 2 and ids[1] == "1"
    return False


def leader(path: str) -> int | None:
    """Return the id of the process that is process 1 inside a host, or None if it is off."""
    return next((pid for pid in sorted(processes(path)) if is_namespace_init(pid)), None)


def kill(path: str) -> int:
    """End everything in a cgroup at once, as a power cut would.

    Process 1 of each host goes first: with it the kernel ends the whole process namespace, so no
    service sees its neighbours die. The rest of the list follows until the cgroup is empty.

    Args:
        path: the cgroup of one host, or of a whole instance.

    Returns:
        The number of processes that were there.

    Raises:
        LabError: some process would not die in time.
    """
    first = processes(path)
    deadline = time.monotonic() + KILL_SECONDS
    pids = first
    freeze(path, frozen=False)  # frozen processes do not take signals
    while pids:
        for pid in sorted(pids, key=lambda pid: (not is_namespace_init(pid), pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise LabError(f"Cannot end the processes of {path}: {sorted(pids)} are still there.")
        time.sleep(0.02)
        pids = processes(path)
    return len(first)


def remove(path: str) -> None:
    """Remove an empty cgroup and all below it.

    Raises:
        LabError: it is still in use after some seconds.
    """
    deadline = time.monotonic() + KILL_SECONDS
    while left := directories(path):
        for directory in left:
            with contextlib.suppress(OSError):
                directory.rmdir()
        if time.monotonic() > deadline:
            raise LabError(f"Cannot remove cgroup {left[0]}: it is in use.")
        if directories(path):
            time.sleep(0.05)


def freeze(path: str, *, frozen: bool) -> None:
    """Stop or continue every process of a cgroup at one moment.

    Args:
        path: the cgroup of a whole instance, or of one host.
        frozen: stop (True) or continue (False).

    Raises:
        LabError: the kernel did not confirm the stop in time.
    """
    for hierarchy in hierarchies():
        top = hierarchy.mount / path
        if "freezer" in hierarchy.controllers and top.is_dir():
            wanted = "FROZEN" if frozen else "THAWED"
            (top / "freezer.state").write_text(wanted)
            _wait(top / "freezer.state", wanted)
            return
    for hierarchy in hierarchies():
        top = hierarchy.mount / path
        if hierarchy.unified and top.is_dir():
            (top / "cgroup.freeze").write_text(str(int(frozen)))
            _wait(top / "cgroup.events", f"frozen {int(frozen)}")
            return


def _wait(file: Path, line: str) -> None:
    deadline = time.monotonic() + KILL_SECONDS
    while line not in file.read_text().splitlines():
        if time.monotonic() > deadline:
            raise LabError(f"{file} did not become {line!r} in {KILL_SECONDS:.0f} s.")
        time.sleep(0.01)


def of_process(pid: int) -> list[Path]:
    """Return the process files of the cgroups that a process is in, in every hierarchy.

    Args:
        pid: a process of this machine.
    """
    found = []
    mounted = hierarchies()
    for line in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        _number, names, path = line.split(":", 2)
        for hierarchy in mounted:
            if names.split(",") == list(hierarchy.controllers) or (not names and hierarchy.unified):
                found.append(hierarchy.mount / path.lstrip("/") / "cgroup.procs")
    return found

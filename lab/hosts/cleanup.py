# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing everything of a lab from the machine: alive, half made, or long dead.

What there is to remove is found by the instance's names in the kernel, not in a record: a killed
`up` wrote none, and the checkout may be gone.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lab.hosts import cgroups, disk, network, sysctls
from lab.hosts.instance import RUN_ROOT, Instance
from lab.hosts.process import run

# systemd-nspawn's directories for mounts that appear while a host runs, and its locks.
NSPAWN_RUN = Path("/run/systemd/nspawn")


@dataclass
class Found:
    """What a machine has of one lab instance."""

    processes: int = 0
    cgroups: int = 0
    mounts: list[Path] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    tables: list[tuple[str, str]] = field(default_factory=list)
    nspawn_dirs: list[Path] = field(default_factory=list)
    run_dir: bool = False
    last_instance: bool = False

    def anything(self) -> bool:
        """Tell whether there is anything to remove."""
        return bool(
            self.processes
            or self.cgroups
            or self.mounts
            or self.links
            or self.tables
            or self.nspawn_dirs
            or self.run_dir
        )


@dataclass(frozen=True)
class Step:
    """One thing to remove."""

    kind: str
    target: str


def lab_mounts(mounts: str, instance: Instance) -> list[Path]:
    """Find the mounts of an instance, the latest first.

    Args:
        mounts: content of /proc/self/mounts.
        instance: whose mounts.

    Returns:
        Mount points below its run directory, or below the directory in which its root file
        system is built.
    """
    build = f"/biomax-platform/lab/build-{instance.name}/"
    found = []
    for line in mounts.splitlines():
        target = Path(line.split(" ")[1].replace("\\040", " "))
        if target.is_relative_to(instance.run_dir) or build in f"{target}/":
            found.append(target)
    return found[::-1]


def lab_links(links: dict[str, str], instance: Instance) -> list[str]:
    """Find the links of an instance: ports of its bridge first, then the bridge.

    Args:
        links: name -> bridge, as `network.links` returns it.
        instance: whose links.
    """
    ports = sorted(name for name, master in links.items() if master == instance.bridge)
    return ports + ([instance.bridge] if instance.bridge in links else [])


def plan(found: Found, instance: Instance) -> list[Step]:
    """Order what was found so that every step can succeed.

    Args:
        found: what the machine has.
        instance: whose it is.

    Returns:
        Processes first, since they hold everything else; then mounts (the loop device goes with
        the last one), links, tables, cgroups, and the record at the very end: a cleaning that is
        cut short is recognized by the next one.
    """
    steps = [Step("processes", instance.cgroup)] if found.processes else []
    steps += [Step("mount", str(mount)) for mount in found.mounts]
    steps += [Step("link", link) for link in found.links]
    steps += [Step("table", f"{family} {name}") for family, name in found.tables]
    steps += [Step("cgroup", instance.cgroup)] if found.cgroups else []
    steps += [Step("directory", str(path)) for path in found.nspawn_dirs]
    if found.anything() and found.last_instance:
        steps.append(Step("sysctls", str(sysctls.SAVED)))
    if found.run_dir:
        steps.append(Step("directory", str(instance.run_dir)))
    return steps


def find(instance: Instance, hosts: list[str]) -> Found:
    """Look for what the machine has of an instance.

    Args:
        instance: whose.
        hosts: host names of its record, if there is one (for systemd-nspawn's directories).
    """
    tables = network.tables()
    others = [path for path in RUN_ROOT.glob("*/") if path != instance.run_dir]
    machines = [instance.machine(host) for host in hosts]
    candidates = [NSPAWN_RUN / "propagate" / machine for machine in machines]
    return Found(
        processes=len(cgroups.processes(instance.cgroup)),
        cgroups=len(cgroups.directories(instance.cgroup)),
        mounts=lab_mounts(Path("/proc/self/mounts").read_text(encoding="utf-8"), instance),
        links=lab_links(network.links(), instance),
        tables=[entry for entry in tables if entry[1] in instance.nft_tables],
        nspawn_dirs=[path for path in candidates if path.is_dir()],
        run_dir=instance.run_dir.is_dir(),
        last_instance=not others,
    )


def _remove_cgroup(path: str) -> None:
    cgroups.remove(path)
    for hierarchy in cgroups.hierarchies():
        with contextlib.suppress(OSError):  # other instances are below it
            (hierarchy.mount / Path(path).parent).rmdir()


def _remove_directory(path: str) -> None:
    shutil.rmtree(path, ignore_errors=False)
    with contextlib.suppress(OSError):  # other instances are below it
        if Path(path).is_relative_to(RUN_ROOT):
            RUN_ROOT.rmdir()


_DOERS: dict[str, Callable[[str], object]] = {
    "processes": cgroups.kill,
    "mount": lambda target: disk.unmount(Path(target)),
    "link": network.remove_link,
    "table": lambda target: run(["nft", "delete", "table", *target.split(" ")]),
    "cgroup": _remove_cgroup,
    "sysctls": lambda _target: sysctls.restore(),
    "directory": _remove_directory,
}


def execute(steps: list[Step]) -> Iterator[Step]:
    """Carry out a plan.

    Args:
        steps: as returned by `plan`.

    Yields:
        Each step, after it was done.
    """
    for step in steps:
        _DOERS[step.kind](step.target)
        yield step

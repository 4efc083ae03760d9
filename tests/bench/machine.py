"""The machine that a measurement was made on, and whether it was quiet."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.site import ROOT

QUIET_LOAD_PER_CPU = 0.25  # one process that waits now and then; compilations and clusters are more


@dataclass(frozen=True)
class Machine:
    """A machine before a measurement.

    Attributes:
        cpus: Processors that this process may use.
        memory_gib: Memory in all.
        kernel: Release of the kernel.
        system: Name of the distribution.
        load: Load average of the last minute.
    """

    cpus: int
    memory_gib: int
    kernel: str
    system: str
    load: float

    @property
    def busy(self) -> bool:
        """Whether other work would show in the seconds."""
        return self.load > QUIET_LOAD_PER_CPU * self.cpus

    def as_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return asdict(self)


def describe() -> Machine:
    """Look at this machine."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cpus=len(os.sched_getaffinity(0)),
        memory_gib=round(pages / 2**30),
        kernel=platform.release(),
        system=_system(Path("/etc/os-release").read_text(encoding="utf-8")),
        load=round(os.getloadavg()[0], 1),
    )


def commit() -> str:
    """Return the short id of the checkout's commit, with ``+`` when files differ from it."""
    git = ["git", "-C", str(ROOT)]
    name = _output([*git, "rev-parse", "--short", "HEAD"])
    return name + ("+" if _output([*git, "status", "--porcelain", "-uno"]) else "")


def _system(os_release: str) -> str:
    """Return the distribution's own name for itself."""
    for line in os_release.splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "unknown system"


def _output(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

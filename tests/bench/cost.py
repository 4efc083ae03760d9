"""What one command costs: seconds, processor seconds here and on the lab's hosts, counters."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lab.hosts import cgroups
from lab.hosts.instance import Instance

Value = TypeVar("Value")


@dataclass(frozen=True)
class Cost:
    """The cost of one command.

    Attributes:
        seconds: Time on the clock.
        controller_cpu: Processor seconds of the command and all it started, user and system.
        hosts_cpu: Processor seconds of all hosts of the lab instance in that time.
        phases: Seconds of each play, in order; empty when no playbook ran.
        counters: Numbers that do not depend on the machine's speed.
    """

    seconds: float
    controller_cpu: float
    hosts_cpu: float
    phases: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def measure(command: Callable[[], Value], instance: Instance) -> tuple[Cost, Value]:
    """Run a command that starts processes; return its cost and its result."""
    began = time.monotonic(), _children_cpu(), hosts_cpu(instance)
    value = command()
    ended = time.monotonic(), _children_cpu(), hosts_cpu(instance)
    seconds, here, there = (round(b - a, 2) for a, b in zip(began, ended, strict=True))
    return Cost(seconds, here, there), value


def hosts_cpu(instance: Instance) -> float:
    """Return the processor seconds that the hosts of an instance used since they started.

    Sources: kernel documentation, cgroup-v1/cpuacct (``cpuacct.usage``, nanoseconds) and cgroup-v2
    (``cpu.stat``, ``usage_usec``); both count everything below the group.
    """
    for hierarchy in cgroups.hierarchies():
        group = hierarchy.mount / instance.cgroup
        if (group / "cpuacct.usage").exists():
            return int((group / "cpuacct.usage").read_text()) / 1e9
    for hierarchy in cgroups.hierarchies():
        stat = hierarchy.mount / instance.cgroup / "cpu.stat"
        if hierarchy.unified and stat.exists():
            return _usage(stat)
    return 0.0  # no host is up


def _usage(stat: Path) -> float:
    words = dict(line.split() for line in stat.read_text().splitlines())
    return int(words["usage_usec"]) / 1e6


def _children_cpu() -> float:
    """Processor seconds of the ended children of this process and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

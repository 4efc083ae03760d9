# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A failed task as the run reports it, and the cause that is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

CONTROLLER = "localhost"
_ON_NODE = re.compile(r"\bpod \S+ on ([\w.-]+):")


@dataclass(frozen=True)
class Failure:
    """One failed result of a run.

    Attributes:
        host: The host that the task acted on; the controller for its own tasks.
        task: Name of the task.
        where: File and line of the task.
        text: What the module said, secrets taken out.
        number: How many tasks had begun when this one did.
        evidence: Facts that the module collected on its host; see evidence.py.
        clock_ahead: Seconds that the host's clock was ahead of the controller's; negative when
            behind.
        unreachable: Whether the host did not answer at all.
        findings: Findings of preflight, when it is what failed.
        hidden: Whether Ansible kept the whole result back (no_log).
    """

    host: str
    task: str = ""
    where: str = ""
    text: str = ""
    number: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    clock_ahead: float = 0.0
    unreachable: bool = False
    findings: Sequence[Mapping[str, Any]] = ()
    hidden: bool = False

    @property
    def told(self) -> str:
        """What the module said, and what the units that it named had logged."""
        units = self.evidence.get("units", ())
        return "\n".join([self.text, *(line for unit in units for line in unit["journal"])])

    @property
    def seat(self) -> str:
        """The host that the text blames: a pod's node, else the host of the task."""
        found = _ON_NODE.search(self.text)
        return found.group(1) if found else self.host


@dataclass(frozen=True)
class Site:
    """What the run knows of its hosts.

    Attributes:
        inventory: Inventory as it stood on the command line.
        addresses: Name of the host by address.
        mirrors: Hosts of the group mirror.
        control_planes: Hosts of the group kube_control_plane.
        variables: Names of the variables of the inventory.
        kubeconfig: The controller's kubeconfig.
    """

    inventory: str = "inventories/<site>"
    addresses: Mapping[str, str] = field(default_factory=dict)
    mirrors: Sequence[str] = ()
    control_planes: Sequence[str] = ()
    variables: Sequence[str] = ()
    kubeconfig: str = ".lab/kubeconfig"

    def name_of(self, address: str) -> str:
        """Return the host at an address; the address when no host of the inventory has it."""
        return self.addresses.get(address, address)


@dataclass(frozen=True)
class Cause:
    """The first cause.

    Attributes:
        fact: The failing fact.
        host: Where it is; the controller has no other name than CONTROLLER.
        command: What shows it.
        remedy: What to do.
        typed_at: Host on which the command is to be typed; empty for `host`.
    """

    fact: str
    host: str
    command: str
    remedy: str
    typed_at: str = ""


# What stands between two lines that a message joined, or before the first of them.
_BREAKS = re.compile(r"\n| \| |\b[Jj]ournal: ")


def line_with(text: str, pattern: re.Pattern[str], longest: int = 300) -> str:
    """Return the line of `text` that holds the first match of `pattern`.

    Args:
        text: What a module said; it joins lines of programs by `` | ``.
        pattern: What to look for.
        longest: Characters that are kept, around the match.
    """
    found = pattern.search(text)
    if not found:
        return ""
    start = max((b.end() for b in _BREAKS.finditer(text, 0, found.start())), default=0)
    end = _BREAKS.search(text, found.end())
    line = text[start : end.start() if end else len(text)]
    if len(line) <= longest:
        return line.strip()
    first = max(0, min(found.start() - start - longest // 2, len(line) - longest))
    cut = line[first : first + longest].strip()
    return f"{'…' if first else ''}{cut}{'…' if first + longest < len(line) else ''}"

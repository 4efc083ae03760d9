# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site as its inventory declares it: plain data that the checks read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ABSENT = "absent"
CONTROL_PLANE = "kube_control_plane"
NODES = "kube_node"
MIRROR = "mirror"


@dataclass(frozen=True)
class Definition:
    """A variable that the inventory defines.

    Attributes:
        name: Its name.
        scope: Where it applies, for instance ``group all`` or ``host cp1``.
        place: File and line, for instance ``group_vars/all/network.yml:3``; empty when unknown.
    """

    name: str
    scope: str
    place: str = ""


@dataclass(frozen=True)
class Site:
    """Everything that preflight knows before it looks at a host.

    Attributes:
        groups: Host names by group, in inventory order.
        variables: Values of the site variables; one that is not set is missing.
        host_variables: Values of the host variables, by host.
        unreadable: Why a variable's value cannot be had, by (host or empty text, variable).
        definitions: Every variable that the inventory defines.
        role_variables: Names that the roles' defaults declare.
    """

    groups: Mapping[str, Sequence[str]]
    variables: Mapping[str, Any] = field(default_factory=dict)
    host_variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unreadable: Mapping[tuple[str, str], str] = field(default_factory=dict)
    definitions: Sequence[Definition] = ()
    role_variables: frozenset[str] = frozenset()

    def group(self, name: str) -> list[str]:
        """Return the hosts of a group; none when it does not exist."""
        return list(self.groups.get(name, ()))

    @property
    def hosts(self) -> list[str]:
        """Return every host of the site, absent ones too, each once."""
        names = [*self.group(MIRROR), *self.group(CONTROL_PLANE), *self.group(NODES)]
        return list(dict.fromkeys(names))

    @property
    def present(self) -> list[str]:
        """Return the hosts that are not in group ``absent``."""
        absent = set(self.group(ABSENT))
        return [host for host in self.hosts if host not in absent]

    def pools(self, host: str) -> list[str]:
        """Return the names of the pools of `node_pools` that a host is in."""
        pools = self.variables.get("node_pools")
        found = pools.items() if isinstance(pools, dict) else ()
        return [
            str(name)
            for name, pool in found
            if isinstance(pool, dict) and host in self.group(str(pool.get("group")))
        ]

    def address(self, host: str) -> str:
        """Return the declared address of a host; empty when it has none."""
        value = self.host_variables.get(host, {}).get("node_address")
        return value if isinstance(value, str) else ""

    def text(self, name: str) -> str:
        """Return a site variable that is text; empty when it is not."""
        value = self.variables.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """Return the elements of a site variable that are text; none when it is no list."""
        value = self.variables.get(name)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members were seen at rest by the host layer, and which must be looked at once more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Names under which the playbooks register what hosts say.
HOST_LAYER = "site_host_layer"  # by host_state
LOOK = "cluster_membership_seen"  # by cluster_membership_info


def unseen(members: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """List the members whose membership must be looked at.

    What the host layer saw counts only when it changed nothing on any member of this run: a member
    that restarts is seen by the others, too.

    Args:
        members: Names of members.
        hostvars: Variables of each host, with the result of ``host_state`` as ``site_host_layer``.

    Returns:
        Names in the given order; empty when every member was seen.
    """
    names = [name for name in members if name in hostvars]
    layers = {name: hostvars[name].get(HOST_LAYER) for name in names}
    moved = any(layer and not layer.get("observation") for layer in layers.values())
    return [name for name in names if moved or not layers[name]]


def observations(
    members: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the observation of each member that answered in this run, by name.

    Args:
        members: Names of members.
        hostvars: Variables of each host, with registered results.
    """
    names = [name for name in members if name in hostvars]
    looked_at = {*unseen(names, hostvars)}
    found = {}
    for name in names:
        result = hostvars[name].get(LOOK if name in looked_at else HOST_LAYER)
        if result and not result.get("unreachable") and result.get("observation"):
            found[name] = dict(result["observation"])
    return found

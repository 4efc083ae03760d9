# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the calls of a planning pass registered to the parts of a plan: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Row, changing
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import NotReadyError
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import (
    BUNDLE,
    CLUSTER,
    COMPONENTS,
    HOST,
    IMAGES,
    MEMBERSHIP,
    NODE_POOLS,
    SCHEMA,
    Part,
)

# Variables in which the tasks of the phases register what their calls returned.
REGISTERED = {
    BUNDLE: "site_bundle",
    HOST: "site_host_layer",
    IMAGES: "site_images",
    MEMBERSHIP: "cluster_membership_orders",
    NODE_POOLS: "node_pools_reconciled",
    COMPONENTS: "site_components",
    SCHEMA: "postgresql_migrated",
}
_ON_HOSTS = (BUNDLE, HOST, IMAGES)
_IN_CLUSTER = (NODE_POOLS, COMPONENTS, SCHEMA)
# A new bundle may hold other artifacts and images, which is known when the mirror has it.
_OPEN_WITH_A_NEW_BUNDLE = {HOST: ("artifact", "unit"), IMAGES: ("images",)}

HostVars = Mapping[str, Mapping[str, Any]]


def collect_parts(hostvars: HostVars, hosts: Sequence[str], controller: str) -> list[Part]:
    """Gather the parts of a plan, in the order in which a run carries them out.

    Args:
        hostvars: Ansible's `hostvars`, with what the tasks registered.
        hosts: hosts of the run, in its order.
        controller: name under which the controller's tasks registered.

    Returns:
        A part for each call that was made and returned a plan.

    Raises:
        NotReadyError: a call failed or a host did not answer; a plan without it would be none.
    """
    parts = [
        _part(name, host, found)
        for name in _ON_HOSTS
        for host in hosts
        if (found := _registered(hostvars, host, name)) is not None
    ]
    if any(part.rows for part in parts if part.name == BUNDLE):
        parts = [
            replace(part, open_kinds=_OPEN_WITH_A_NEW_BUNDLE.get(part.name, ())) for part in parts
        ]
    orders = next(iter(_known(_registered(hostvars, host, MEMBERSHIP) for host in hosts)), None)
    if orders is not None:
        rows = tuple(orders["steps"])
        parts.append(Part(MEMBERSHIP, CLUSTER, rows))
    for name in _IN_CLUSTER:
        found = _registered(hostvars, controller, name)
        if found is not None:
            parts.append(_part(name, CLUSTER, found))
    return parts


def _known(found: Iterable[Mapping[str, Any] | None]) -> list[Mapping[str, Any]]:
    return [item for item in found if item is not None]


def _registered(hostvars: HostVars, host: str, name: str) -> Mapping[str, Any] | None:
    """Return what a call registered; None when tags or limits left it out."""
    found = hostvars[host].get(REGISTERED[name])
    if not isinstance(found, Mapping) or found.get("skipped"):
        return None
    if found.get("failed") or found.get("unreachable"):
        raise NotReadyError(
            f"Planning {name} on {host}: {found.get('msg') or 'it did not answer'}. No plan was "
            "made; cure the cause, or limit the plan to other hosts."
        )
    return found


def _part(name: str, host: str, found: Mapping[str, Any]) -> Part:
    rows: tuple[Row, ...] = tuple(dict(row) for row in found["plan"])
    deferred, disruptive = bool(found.get("deferred")), tuple(found.get("disruptive") or ())
    return Part(name, host, tuple(changing(rows)), deferred, disruptive)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members, names and live hosts, from the inventory alone and never from facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

Groups = Mapping[str, Sequence[str]]
HostVars = Mapping[str, Mapping[str, object]]


def inventory_members(
    groups: Groups,
    hostvars: HostVars,
    member_groups: Sequence[str],
    pools: Mapping[str, Mapping[str, object]] | None = None,
    with_absent: bool = False,
) -> list[dict[str, str]]:
    """List the hosts of some groups, without those of group ``absent`` unless told.

    Args:
        groups: Ansible's ``groups``.
        hostvars: Ansible's ``hostvars``; only ``node_address`` and ``failure_domain`` are read.
        member_groups: The groups, in the order wanted; a group that does not exist has no hosts.
        pools: ``node_pools``, to name the pool that a host is in.
        with_absent: Keep hosts of group ``absent``: for what must stay the same on the other hosts
            when one dies and when it comes back.

    Returns:
        For each host ``name``, ``address``, ``pool`` and ``failure_domain`` (empty when unknown);
        groups in the order given, hosts in inventory order, each host once.

    Raises:
        InputError: An argument has another shape, or a host has no ``node_address``.
    """
    if isinstance(member_groups, str) or not isinstance(member_groups, Sequence):
        raise InputError(f"Expected a list of group names, found {member_groups!r}.")
    pool_of = _pools_by_host(groups, pools or {})
    left_out = set() if with_absent else set(_hosts(groups, "absent"))
    names: dict[str, None] = {}
    for group in member_groups:
        names.update(dict.fromkeys(_hosts(groups, group)))
    return [
        {
            "name": name,
            "address": _host_variable(hostvars, name, "node_address", required=True),
            "pool": pool_of.get(name, ""),
            "failure_domain": _host_variable(hostvars, name, "failure_domain", required=False),
        }
        for name in names
        if name not in left_out
    ]


def hosts_entries(
    host: str,
    hostvars: HostVars,
    domain: str,
    extra: Sequence[Mapping[str, object]] = (),
) -> list[dict[str, object]]:
    """List the lines of a host's hosts file: the host itself, then the names given.

    No other host is named, so that a node that comes or goes changes no file on the others.

    Args:
        host: Name of the host in the inventory; one without ``node_address`` gets no line.
        hostvars: Ansible's ``hostvars``.
        domain: DNS domain of the site.
        extra: More names, each ``{address, name}``; other keys are not looked at.

    Returns:
        For each address ``address`` and ``names``, the full name first; names of one address are
        on one line, and no name stands twice.

    Raises:
        InputError: An argument has another shape, or one name is given two addresses.
    """
    if not isinstance(domain, str) or not domain:
        raise InputError(f"Expected the site's domain as text, found {domain!r}.")
    address = _host_variable(hostvars, host, "node_address", required=False)
    pairs = [(f"{host}.{domain}", address), (host, address)] if address else []
    for entry in extra:
        if not isinstance(entry, Mapping) or not entry.get("name") or not entry.get("address"):
            raise InputError(f"Expected entries with address and name, found {entry!r}.")
        pairs.append((str(entry["name"]), str(entry["address"])))
    return _lines(pairs)


def live_host(
    candidates: Sequence[str], absent: Iterable[str] = (), unreachable: Iterable[str] = ()
) -> str:
    """Pick a host to act on: the first candidate that is neither absent nor unreachable.

    Args:
        candidates: Names of hosts, in order of preference.
        absent: Hosts that are known to be dead (``groups['absent']``).
        unreachable: Hosts that did not answer in this run.

    Returns:
        The host's name.

    Raises:
        InputError: The candidates are not a list, or none of them is live.
    """
    if isinstance(candidates, str) or not isinstance(candidates, Sequence):
        raise InputError(f"Expected a list of host names, found {candidates!r}.")
    dead, silent = set(absent), set(unreachable)
    for name in candidates:
        if name not in dead and name not in silent:
            return name
    raise InputError(
        f"No live host among {', '.join(candidates) or 'no hosts at all'}"
        f" (absent: {', '.join(sorted(dead)) or 'none'};"
        f" unreachable: {', '.join(sorted(silent)) or 'none'})."
        " Bring one back, or correct the group in the inventory."
    )


def _lines(pairs: Iterable[tuple[str, str]]) -> list[dict[str, object]]:
    """Join names by address; refuse a name that is given two addresses."""
    address_of: dict[str, str] = {}
    lines: dict[str, list[str]] = {}
    for name, address in pairs:
        known = address_of.setdefault(name, address)
        if known != address:
            raise InputError(
                f"The name {name} is given two addresses, {known} and {address}."
                " Correct the inventory: one name has one address."
            )
        names = lines.setdefault(address, [])
        if name not in names:
            names.append(name)
    return [{"address": address, "names": names} for address, names in lines.items()]


def _hosts(groups: Groups, group: str) -> list[str]:
    """Read the hosts of a group; none when the group does not exist."""
    if not isinstance(groups, Mapping):
        raise InputError(f"Expected Ansible's groups, found {type(groups).__name__}.")
    return [str(name) for name in groups.get(group, [])]


def _pools_by_host(groups: Groups, pools: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Map each host to the pool whose group it is in; refuse a host that is in two."""
    if not isinstance(pools, Mapping):
        raise InputError(f"Expected the node pools as a map, found {type(pools).__name__}.")
    pool_of: dict[str, str] = {}
    for pool, settings in pools.items():
        for host in _hosts(groups, str(settings.get("group", ""))):
            known = pool_of.setdefault(host, pool)
            if known != pool:
                raise InputError(
                    f"Host {host} is in two pools, {known} and {pool}. A node has one pool."
                )
    return pool_of


def _host_variable(hostvars: HostVars, host: str, variable: str, *, required: bool) -> str:
    """Read a host variable as text; empty when it is not set and need not be."""
    value = hostvars[host].get(variable) if host in hostvars else None
    if value is None or value == "":
        if required:
            raise InputError(
                f"Host {host} has no {variable}. Set it beside the host in the inventory."
            )
        return ""
    if not isinstance(value, str):
        raise InputError(f"Expected {variable} of host {host} as text, found {value!r}.")
    return str(value)

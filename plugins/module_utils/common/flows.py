# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows that keep hosts alive and reachable: who talks to whom, on which port, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

Flow = Mapping[str, Any]

NODES = frozenset({"nodes", "control_plane"})  # where a pod network's agent runs
PARTIES = NODES | {"operators", "mirrors", "time_servers", "name_servers", "provider"}
TRANSPORTS = ("sctp", "tcp", "udp")  # what a failsafe port of Felix can be (v3 ProtoPort)
_KEYS = {"name", "from", "to", "protocol", "ports", "why"}
_SSH = 22
_HTTPS = 443


def check_flow(flow: Flow) -> Flow:
    """Check one flow.

    Args:
        flow: ``name``, ``from``, ``to`` (see PARTIES), ``protocol``, ``ports`` (a list), ``why``;
            a flow without ports, such as VRRP, says ``instead`` what protects it.

    Returns:
        The same flow.

    Raises:
        InputError: A key is missing, unknown or wrong.
    """
    name = flow.get("name")
    lacking, unknown = _KEYS - set(flow), set(flow) - _KEYS - {"instead"}
    if lacking or unknown:
        raise InputError(f"Flow {name!r} lacks {sorted(lacking)} or has unknown {sorted(unknown)}.")
    for end in ("from", "to"):
        if flow[end] not in PARTIES:
            raise InputError(f"Flow {name}: {end} {flow[end]!r} is none of {sorted(PARTIES)}.")
    ports = flow["ports"]
    if not isinstance(ports, Sequence) or isinstance(ports, str) or not all(map(_is_port, ports)):
        raise InputError(f"Flow {name}: ports {ports!r} is no list of numbers from 1 to 65535.")
    if flow["protocol"] in TRANSPORTS:
        if not ports:
            raise InputError(f"Flow {name} ({flow['protocol']}) names no port.")
    elif not flow.get("instead"):
        raise InputError(
            f"Flow {name}: no failsafe port can let {flow['protocol']!r} pass; say in `instead` "
            "what protects it."
        )
    return flow


def failsafe_ports(flows: Sequence[Flow], direction: str) -> list[dict[str, Any]]:
    """List the ports that host rules of the pod network may never close.

    Args:
        flows: See check_flow.
        direction: ``inbound`` (flows to nodes) or ``outbound`` (flows from nodes).

    Returns:
        ``{protocol, port}``, each once, ordered. No networks: a failsafe must not depend on a
        list of addresses being right.

    Raises:
        InputError: A flow or the direction is wrong.
    """
    ends = {"inbound": "to", "outbound": "from"}
    if direction not in ends:
        raise InputError(f"No direction {direction!r}; there are inbound and outbound.")
    found = {
        (flow["protocol"], port)
        for flow in map(check_flow, flows)
        if flow[ends[direction]] in NODES and flow["protocol"] in TRANSPORTS
        for port in flow["ports"]
    }
    return [{"protocol": protocol, "port": port} for protocol, port in sorted(found)]


def ssh_ports(groups: Mapping[str, Sequence[str]], hostvars: Mapping[str, Any]) -> list[int]:
    """List the ports on which the inventory's hosts are reached by ssh.

    Args:
        groups: Ansible's groups.
        hostvars: Ansible's hostvars; ``ansible_port`` is read.

    Returns:
        Each port once, ordered; 22 is always among them, since a new host has it.

    Raises:
        InputError: A port is no number.
    """
    ports = {_SSH}
    for host in groups.get("all", ()):
        port = hostvars[host].get("ansible_port", _SSH)
        if not _is_port(int(port) if str(port).isdigit() else port):
            raise InputError(f"Host {host}: ansible_port {port!r} is no port.")
        ports.add(int(port))
    return sorted(ports)


def url_ports(mirrors: Sequence[Mapping[str, Any]]) -> list[int]:
    """List the ports of the mirrors' URLs.

    Args:
        mirrors: Entries with ``url``.

    Raises:
        InputError: A URL is malformed.
    """
    try:
        return sorted({urlsplit(str(mirror["url"])).port or _HTTPS for mirror in mirrors})
    except (KeyError, ValueError) as error:
        raise InputError(f"Reading the ports of {mirrors!r}: {error!r}.") from error


def _is_port(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 65535

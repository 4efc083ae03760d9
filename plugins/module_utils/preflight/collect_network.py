# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, networks and listening ports from procfs. Standard library only: runs on hosts.

A bare host need not have `ip` or `ss`; the kernel's own tables are always there (proc(5)).
"""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.listeners import table

_GATEWAY = 0x0002  # RTF_GATEWAY: the route leads through another host


def interfaces(sys_class_net: Path) -> list[str]:
    """List the names of the network interfaces."""
    if not sys_class_net.is_dir():
        return []
    return sorted(path.name for path in sys_class_net.iterdir())


def link(sys_class_net: Path, name: str) -> dict[str, Any]:
    """Describe a network interface.

    Args:
        sys_class_net: The directory /sys/class/net.
        name: Name of the interface; empty for none.

    Returns:
        ``mtu`` in bytes, ``speed`` in Mbit/s (0 where the device does not tell, as virtual ones
        do) and ``duplex``; empty when there is no such interface.
    """
    device = sys_class_net / name
    mtu = _number(device / "mtu") if name else 0
    if not mtu:
        return {}
    lines = table(device / "duplex")
    return {
        "mtu": mtu,
        "speed": max(0, _number(device / "speed")),
        "duplex": lines[0] if lines else "unknown",
    }


def local_addresses(proc_net: Path) -> list[str]:
    """List the addresses of this host, IPv4 and IPv6, without loopback."""
    found: set[str] = set()
    leaf = ""
    for line in table(proc_net / "fib_trie"):
        if match := re.search(r"\|-- (\S+)", line):
            leaf = match.group(1)
        elif "/32 host LOCAL" in line:
            found.add(leaf)
    for line in table(proc_net / "if_inet6"):
        found.add(str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))))
    return sorted(address for address in found if not ipaddress.ip_address(address).is_loopback)


def networks(proc_net: Path) -> list[dict[str, str]]:
    """List the networks that an interface is in: ``interface`` and ``network``."""
    found = []
    for line in table(proc_net / "route")[1:]:
        name, destination, _, flags, _, _, _, mask = line.split()[:8]
        if int(flags, 16) & _GATEWAY or int(mask, 16) == 0:
            continue
        network = ipaddress.ip_network(f"{_ipv4(destination)}/{_ipv4(mask)}", strict=False)
        found.append({"interface": name, "network": str(network)})
    for line in table(proc_net / "if_inet6"):
        address, _, length, _, _, name = line.split()
        network6 = ipaddress.ip_network((bytes.fromhex(address), int(length, 16)), strict=False)
        if not (network6.is_link_local or network6.is_loopback):
            found.append({"interface": name, "network": str(network6)})
    return found


def _number(path: Path) -> int:
    """Read a number; 0 when it is not to be had (a device that is down tells no speed)."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _ipv4(text: str) -> str:
    """Read an address as in /proc/net/route: hexadecimal, in the machine's byte order."""
    return socket.inet_ntoa(int(text, 16).to_bytes(4, sys.byteorder))

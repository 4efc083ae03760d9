# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, networks and listening ports from procfs. Standard library only: runs on hosts.

A bare host need not have `ip` or `ss`; the kernel's own tables are always there (proc(5)).
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import sys
from pathlib import Path
from typing import Any

_LISTEN = "0A"  # state of a listening TCP socket in /proc/net/tcp
_UDP_UNCONNECTED = "07"  # state of a UDP socket that takes packets from anybody
_GATEWAY = 0x0002  # RTF_GATEWAY: the route leads through another host
_SOCKETS = (
    ("tcp", "tcp", _LISTEN),
    ("tcp6", "tcp", _LISTEN),
    ("udp", "udp", _UDP_UNCONNECTED),
    ("udp6", "udp", _UDP_UNCONNECTED),
)


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
    lines = _lines(device / "duplex")
    return {
        "mtu": mtu,
        "speed": max(0, _number(device / "speed")),
        "duplex": lines[0] if lines else "unknown",
    }


def local_addresses(proc_net: Path) -> list[str]:
    """List the addresses of this host, IPv4 and IPv6, without loopback."""
    found: set[str] = set()
    leaf = ""
    for line in _lines(proc_net / "fib_trie"):
        if match := re.search(r"\|-- (\S+)", line):
            leaf = match.group(1)
        elif "/32 host LOCAL" in line:
            found.add(leaf)
    for line in _lines(proc_net / "if_inet6"):
        found.add(str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))))
    return sorted(address for address in found if not ipaddress.ip_address(address).is_loopback)


def networks(proc_net: Path) -> list[dict[str, str]]:
    """List the networks that an interface is in: ``interface`` and ``network``."""
    found = []
    for line in _lines(proc_net / "route")[1:]:
        name, destination, _, flags, _, _, _, mask = line.split()[:8]
        if int(flags, 16) & _GATEWAY or int(mask, 16) == 0:
            continue
        network = ipaddress.ip_network(f"{_ipv4(destination)}/{_ipv4(mask)}", strict=False)
        found.append({"interface": name, "network": str(network)})
    for line in _lines(proc_net / "if_inet6"):
        address, _, length, _, _, name = line.split()
        network6 = ipaddress.ip_network((bytes.fromhex(address), int(length, 16)), strict=False)
        if not (network6.is_link_local or network6.is_loopback):
            found.append({"interface": name, "network": str(network6)})
    return found


def listeners(proc: Path) -> list[dict[str, Any]]:
    """List the ports that something listens on.

    Returns:
        For each ``protocol``, ``port`` and ``program``: the name that the kernel keeps of the
        process (15 characters), empty when no process of this host holds the socket.
    """
    sockets: dict[str, tuple[str, int]] = {}
    for name, protocol, state in _SOCKETS:
        for line in _lines(proc / "net" / name)[1:]:
            fields = line.split()
            if fields[3] == state:
                sockets[fields[9]] = (protocol, int(fields[1].partition(":")[2], 16))
    owners = _owners(proc, set(sockets)) if sockets else {}
    found = {(*sockets[inode], owners.get(inode, "")) for inode in sockets}
    return [
        {"protocol": protocol, "port": port, "program": program}
        for protocol, port, program in sorted(found)
    ]


def _owners(proc: Path, inodes: set[str]) -> dict[str, str]:
    """Map socket inodes to the names of the processes that hold them."""
    owners: dict[str, str] = {}
    held = {f"socket:[{inode}]": inode for inode in inodes}
    for process in proc.glob("[0-9]*"):
        for link in _links(process / "fd"):
            if link in held:
                owners[held[link]] = _name(process)
    return owners


def _links(directory: Path) -> list[str]:
    """Read the open files of a process; one that ends while we look is no business of ours."""
    found = []
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            with contextlib.suppress(OSError):
                found.append(str(path.readlink()))
    return found


def _name(process: Path) -> str:
    """Read the name of a process; empty when it has just ended."""
    lines = _lines(process / "comm")
    return lines[0] if lines else ""


def _number(path: Path) -> int:
    """Read a number; 0 when it is not to be had (a device that is down tells no speed)."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _ipv4(text: str) -> str:
    """Read an address as in /proc/net/route: hexadecimal, in the machine's byte order."""
    return socket.inet_ntoa(int(text, 16).to_bytes(4, sys.byteorder))


def _lines(path: Path) -> list[str]:
    """Read a table of the kernel; one that a kernel lacks (IPv6 off) is empty."""
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on which port, from procfs. Standard library only: runs on hosts.

A bare host need not have `ss`; the kernel's own tables are always there (proc(5)).
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

_LISTEN = "0A"  # state of a listening TCP socket in /proc/net/tcp
_UDP_UNCONNECTED = "07"  # state of a UDP socket that takes packets from anybody
_SOCKETS = (
    ("tcp", "tcp", _LISTEN),
    ("tcp6", "tcp", _LISTEN),
    ("udp", "udp", _UDP_UNCONNECTED),
    ("udp6", "udp", _UDP_UNCONNECTED),
)


def listeners(proc: Path) -> list[dict[str, Any]]:
    """List the ports that something listens on.

    Returns:
        For each ``protocol``, ``port`` and ``program``: the name that the kernel keeps of the
        process (15 characters), empty when no process of this host holds the socket.
    """
    sockets: dict[str, tuple[str, int]] = {}
    for name, protocol, state in _SOCKETS:
        for line in table(proc / "net" / name)[1:]:
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
    lines = table(process / "comm")
    return lines[0] if lines else ""


def table(path: Path) -> list[str]:
    """Read a table of the kernel; one that a kernel lacks (IPv6 off) is empty."""
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []

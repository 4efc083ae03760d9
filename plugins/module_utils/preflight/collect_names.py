# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How this host finds names. Standard library only: this runs on hosts.

Name servers are asked directly: the C library's resolver waits for many seconds, and for each of
them in turn.
"""

from __future__ import annotations

import ipaddress
import secrets
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.datagram import ask

DNS_PORT = 53
_MOST = 3  # name servers that the C library heeds (resolv.conf(5), MAXNS)
_WAITS = (0.5, 0.5)  # seconds for each question; who takes longer makes every lookup hang
_A, _INTERNET = 1, 1
_HEADER = 12  # bytes (RFC 1035, section 4.1.1)


def name_files(base: Path, names: Sequence[str]) -> dict[str, Any]:
    """Read what files say of some names.

    Args:
        base: Where the host's file tree starts.
        names: The names that are looked for in the hosts file.

    Returns:
        ``hosts``: addresses by name, ``order``: the services of `hosts` in nsswitch.conf, in
        order, and ``servers``: the name servers of resolv.conf.
    """
    wanted = set(names)
    hosts: dict[str, list[str]] = {}
    for fields in _fields(base / "etc/hosts"):
        for name in wanted & set(fields[1:]):
            hosts.setdefault(name, []).append(fields[0])
    order = [field[1:] for field in _fields(base / "etc/nsswitch.conf") if field[0] == "hosts:"]
    servers = [
        field[1]
        for field in _fields(base / "etc/resolv.conf")
        if field[0] == "nameserver" and len(field) > 1
    ]
    return {
        "hosts": hosts,
        "order": [item for item in (order[-1] if order else []) if not item.startswith("[")],
        "servers": servers[:_MOST],
    }


def ask_name(server: str, name: str, port: int = DNS_PORT) -> dict[str, Any]:
    """Ask one name server for the IPv4 addresses of a name, twice at most, for a second at most.

    Args:
        server: Address of the name server.
        name: The name, without a final dot.
        port: UDP port.

    Returns:
        ``server``, ``answered``, ``seconds`` that it took and ``addresses``.
    """
    start = time.monotonic()
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.split("."))
    body = labels + b"\0" + struct.pack("!HH", _A, _INTERNET)
    marks: set[bytes] = set()

    def question() -> bytes:
        mark = secrets.token_bytes(2)
        marks.add(mark)
        return mark + struct.pack("!5H", 0x0100, 1, 0, 0, 0) + body

    def read(packet: bytes) -> list[str] | None:
        if len(packet) < _HEADER or packet[:2] not in marks:
            return None
        return sorted(_addresses(packet, _HEADER + len(body)))

    answer = ask((server, port), question, read, _WAITS)
    return {
        "server": server,
        "answered": answer is not None,
        "seconds": round(time.monotonic() - start, 3),
        "addresses": answer or [],
    }


def _addresses(packet: bytes, place: int) -> list[str]:
    """Read the A records of an answer (RFC 1035, section 4); a malformed rest is left out."""
    (count,) = struct.unpack("!H", packet[6:8])
    found = []
    for _ in range(count):
        place = _after_name(packet, place)
        if place + 10 > len(packet):
            break
        kind, _, _, length = struct.unpack("!HHIH", packet[place : place + 10])
        data = packet[place + 10 : place + 10 + length]
        place += 10 + length
        if kind == _A and len(data) == 4:
            found.append(str(ipaddress.IPv4Address(data)))
    return found


def _after_name(packet: bytes, place: int) -> int:
    """Return where the name that starts at `place` ends."""
    while place < len(packet):
        length = packet[place]
        if length >= 0xC0:
            return place + 2
        place += length + 1
        if length == 0:
            break
    return place


def _fields(path: Path) -> list[list[str]]:
    """Split each line of a configuration file into words; comments and a missing file are none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [words for line in lines if (words := line.partition("#")[0].split())]

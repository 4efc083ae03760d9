# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a time server says, by SNTP (RFC 4330). Standard library only: this runs on hosts."""

from __future__ import annotations

import secrets
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

NTP_PORT = 123
_CLIENT = 0x23  # no leap warning, version 4, mode 3 (client)
_SERVER_MODE = 4
_TO_UNIX = 2208988800  # seconds from NTP's epoch, 1900, to Unix' (RFC 868)
_HEADER = struct.Struct("!BBbb11I")  # RFC 5905, figure 8
_ATTEMPTS = 2
_WAIT = 0.5  # seconds for each attempt


def ask_time(
    server: str, port: int = NTP_PORT, clock: Callable[[], float] = time.time
) -> dict[str, Any]:
    """Ask a time server once, and once more when no answer comes within half a second.

    Args:
        server: Address, IPv4 or IPv6.
        port: UDP port.
        clock: This host's clock, in seconds since 1970.

    Returns:
        ``server``, ``answered``, and after an answer ``offset`` (seconds by which this host is
        ahead of the server), ``delay`` (round trip in seconds: the offset is wrong by half of it
        at most), ``stratum`` and ``synchronised``.
    """
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.settimeout(_WAIT)
        try:
            link.connect((server, port))
        except OSError:
            return {"server": server, "answered": False}
        for _ in range(_ATTEMPTS):
            answer = _exchange(link, clock)
            if answer:
                return {"server": server, "answered": True, **answer}
    return {"server": server, "answered": False}


def _exchange(link: socket.socket, clock: Callable[[], float]) -> dict[str, Any]:
    """Send one request and read its answer; empty when none comes that belongs to it."""
    nonce = secrets.randbits(32), secrets.randbits(32)  # a server returns it: no one can guess it
    sent = clock()
    try:
        link.send(_HEADER.pack(_CLIENT, 0, 0, 0, *([0] * 9), *nonce))
        packet = link.recv(512)
    except OSError:
        return {}
    received = clock()
    if len(packet) < _HEADER.size:
        return {}
    flags, stratum, _, _, *words = _HEADER.unpack(packet[: _HEADER.size])
    if flags & 7 != _SERVER_MODE or (words[5], words[6]) != nonce:
        return {}
    server_received, server_sent = _seconds(*words[7:9]), _seconds(*words[9:11])
    return {
        "offset": ((sent - server_received) + (received - server_sent)) / 2,
        "delay": (received - sent) - (server_sent - server_received),
        "stratum": stratum,
        "synchronised": flags >> 6 != 3 and 0 < stratum < 16,
    }


def _seconds(whole: int, fraction: int) -> float:
    """Turn an NTP time stamp into seconds since 1970."""
    return whole - _TO_UNIX + fraction / 2**32

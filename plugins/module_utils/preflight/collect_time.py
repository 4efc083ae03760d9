# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a time server says, by SNTP (RFC 4330). Standard library only: this runs on hosts."""

from __future__ import annotations

import secrets
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.datagram import ask

NTP_PORT = 123
_CLIENT = 0x23  # no leap warning, version 4, mode 3 (client)
_SERVER_MODE = 4
_TO_UNIX = 2208988800  # seconds from NTP's epoch, 1900, to Unix' (RFC 868)
_HEADER = struct.Struct("!BBbb11I")  # RFC 5905, figure 8
WAITS = (0.5, 1.0, 1.5)  # seconds for each question: a busy server is late, a packet gets lost


def ask_time(
    server: str, port: int = NTP_PORT, clock: Callable[[], float] = time.time
) -> dict[str, Any]:
    """Ask a time server, three times at most, for three seconds at most.

    Args:
        server: Address, IPv4 or IPv6.
        port: UDP port.
        clock: This host's clock, in seconds since 1970.

    Returns:
        ``server``, ``answered``, and after an answer ``offset`` (seconds by which this host is
        ahead of the server), ``delay`` (round trip in seconds: the offset is wrong by half of it
        at most), ``stratum`` and ``synchronised``.
    """
    sent: dict[tuple[int, int], float] = {}

    def question() -> bytes:
        nonce = secrets.randbits(32), secrets.randbits(32)  # a server returns it: none can guess it
        sent[nonce] = clock()
        return _HEADER.pack(_CLIENT, 0, 0, 0, *([0] * 9), *nonce)

    answer = ask((server, port), question, lambda packet: _read(packet, sent, clock()), WAITS)
    return {"server": server, "answered": answer is not None, **(answer or {})}


def _read(
    packet: bytes, sent: Mapping[tuple[int, int], float], received: float
) -> dict[str, Any] | None:
    """Read a server's answer to one of the questions that were sent; None when it is none."""
    if len(packet) < _HEADER.size:
        return None
    flags, stratum, _, _, *words = _HEADER.unpack(packet[: _HEADER.size])
    start = sent.get((words[5], words[6]))
    if flags & 7 != _SERVER_MODE or start is None:
        return None
    server_received, server_sent = _seconds(*words[7:9]), _seconds(*words[9:11])
    return {
        "offset": ((start - server_received) + (received - server_sent)) / 2,
        "delay": (received - start) - (server_sent - server_received),
        "stratum": stratum,
        "synchronised": flags >> 6 != 3 and 0 < stratum < 16,
    }


def _seconds(whole: int, fraction: int) -> float:
    """Turn an NTP time stamp into seconds since 1970."""
    return whole - _TO_UNIX + fraction / 2**32

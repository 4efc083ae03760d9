# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a packet gets to a peer and back. Standard library only: this runs on hosts.

An echo request of a given size goes out with the don't-fragment bit; whatever the path cannot
carry is dropped on it, and the answer, which is as large, shows both directions.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SMALL = 84  # bytes of an ordinary ping with its headers: every path carries it
_USUAL = (8950, 1500, 1450, 1400, 1280)  # tried when the interface's own MTU does not get through
_HEADERS = 28  # IPv4 and ICMP
_ECHO, _ECHO_REPLY = 8, 0
_IP_MTU_DISCOVER, _PROBE = 10, 3  # <linux/in.h>: set the bit, and heed no remembered path MTU
_ROUNDS = 3
_WAIT = 0.3  # seconds for each round
_Probe = tuple[str, int]


def probe_paths(peers: Sequence[Mapping[str, str]], mtu: int) -> list[dict[str, Any]]:
    """Find out which sizes get through to some peers.

    Two packets go to each peer; up to five more only where the large one is lost.

    Args:
        peers: ``name`` and ``address`` (IPv4) of each.
        mtu: MTU of the interface towards them, in bytes.

    Returns:
        For each peer ``peer``, ``address`` and ``through``: the sizes in bytes, IP header
        included, that were answered.
    """
    addresses = [peer["address"] for peer in peers]
    answered = _ask([(address, size) for address in addresses for size in {SMALL, mtu}])
    lost = [address for address in addresses if (address, SMALL) in answered]
    lost = [address for address in lost if (address, mtu) not in answered]
    answered |= _ask([(address, size) for address in lost for size in _USUAL if size < mtu])
    return [
        {
            "peer": peer["name"],
            "address": peer["address"],
            "through": sorted(size for address, size in answered if address == peer["address"]),
        }
        for peer in peers
    ]


def _ask(probes: Iterable[_Probe]) -> set[_Probe]:
    """Send each probe until it is answered or the rounds are over; return the answered ones."""
    waiting = dict(enumerate(probes))
    answered: set[_Probe] = set()
    if not waiting:
        return answered
    mark = os.urandom(2)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as link:
        link.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PROBE)
        for _ in range(_ROUNDS):
            for number, (address, size) in waiting.items():
                _send(link, mark, number, address, size)
            for number in _replies(link, mark, set(waiting)):
                answered.add(waiting.pop(number))
            if not waiting:
                break
    return answered


def _send(link: socket.socket, mark: bytes, number: int, address: str, size: int) -> None:
    """Send one echo request; one that the host itself cannot send stays unanswered."""
    payload = bytes(size - _HEADERS)
    head = struct.pack("!BBH2sH", _ECHO, 0, 0, mark, number)
    packet = struct.pack("!BBH2sH", _ECHO, 0, _checksum(head + payload), mark, number) + payload
    try:
        link.sendto(packet, (address, 0))
    except OSError:
        return  # longer than the interface carries, or no route: the same as no answer


def _replies(link: socket.socket, mark: bytes, waiting: set[int]) -> list[int]:
    """Read answers until all have come or the round is over."""
    found: list[int] = []
    end = time.monotonic() + _WAIT
    while waiting and (left := end - time.monotonic()) > 0:
        link.settimeout(left)
        try:
            packet = link.recv(65535)
        except OSError:
            break
        icmp = packet[(packet[0] & 15) * 4 :]
        if len(icmp) < 8 or icmp[0] != _ECHO_REPLY or icmp[4:6] != mark:
            continue
        (number,) = struct.unpack("!H", icmp[6:8])
        if number in waiting:
            waiting.discard(number)
            found.append(number)
    return found


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF

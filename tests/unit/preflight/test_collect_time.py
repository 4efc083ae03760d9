# SPDX-License-Identifier: GPL-3.0-or-later
"""Time servers, asked over real sockets; a wrong clock is planted where the host reads its own."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_time import ask_time

from tests.unit.preflight.udp import udp_server

NTP = struct.Struct("!BBbb11I")
EPOCH = 2208988800


def stamp(seconds: float) -> tuple[int, int]:
    """Write a time as NTP does."""
    return int(seconds) + EPOCH, int(seconds % 1 * 2**32)


def server(flags: int = 0x24, stratum: int = 2, echo: bool = True) -> Callable[[bytes], bytes]:
    """Return a time server with the right time."""

    def reply(packet: bytes) -> bytes:
        origin = NTP.unpack(packet)[13:15] if echo else (1, 2)
        now = stamp(time.time())
        return NTP.pack(flags, stratum, 6, -20, 0, 0, 0, *now, *origin, *now, *now)

    return reply


@pytest.mark.parametrize("error", [0.0, 7.5, -3600.0])
def test_the_offset_is_that_of_the_hosts_clock(error: float) -> None:
    with udp_server(server()) as (port, _):
        told = ask_time("127.0.0.1", port, lambda: time.time() + error)
    assert (told["answered"], told["synchronised"], told["stratum"]) == (True, True, 2)
    assert told["offset"] == pytest.approx(error, abs=told["delay"] / 2 + 0.001)
    assert 0 <= told["delay"] < 1


@pytest.mark.parametrize(("flags", "stratum"), [(0xE4, 2), (0x24, 0), (0x24, 16)])
def test_a_server_without_time_is_not_synchronised(flags: int, stratum: int) -> None:
    with udp_server(server(flags, stratum)) as (port, _):
        assert ask_time("127.0.0.1", port)["synchronised"] is False


@pytest.mark.parametrize("reply", [lambda _: None, lambda _: b"short", server(echo=False)])
def test_silence_and_foreign_packets_are_no_answer_within_bounded_time(
    reply: Callable[[bytes], bytes | None],
) -> None:
    start = time.monotonic()
    with udp_server(reply) as (port, requests):
        told = ask_time("127.0.0.1", port)
    assert told == {"server": "127.0.0.1", "answered": False}
    assert len(requests) == 3
    assert time.monotonic() - start < 5


def test_a_lost_answer_is_asked_for_once_more() -> None:
    answers = iter([None, True])
    right = server()
    with udp_server(lambda packet: right(packet) if next(answers) else None) as (port, requests):
        assert ask_time("127.0.0.1", port)["answered"] is True
    assert len(requests) == 2


def test_a_late_answer_counts_and_is_not_in_the_way_of_the_next() -> None:
    """A busy server answers the first question when the second one has come already."""
    right = server()
    asked: list[bytes] = []

    def late(packet: bytes) -> bytes | None:
        asked.append(packet)
        return right(asked[0]) if len(asked) == 2 else None

    with udp_server(late) as (port, _):
        told = ask_time("127.0.0.1", port)
    assert told["answered"] is True
    assert len(asked) == 2
    assert told["delay"] >= 0.5
    assert abs(told["offset"]) <= told["delay"] / 2 + 0.001


def test_what_is_no_address_does_not_answer() -> None:
    assert ask_time("no address")["answered"] is False

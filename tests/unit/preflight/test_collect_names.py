# SPDX-License-Identifier: GPL-3.0-or-later
"""Name files and name servers; a server that hangs costs bounded time."""

from __future__ import annotations

import struct
import time
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_names import (
    ask_name,
    name_files,
)

from tests.unit.preflight.udp import udp_server

NAME = "api.site.example.com"


def reply(packet: bytes, *addresses: str) -> bytes:
    """Answer a question, with an alias first, as servers do."""
    header = packet[:2] + struct.pack("!5H", 0x8180, 1, len(addresses) + 1, 0, 0)
    alias = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 2) + b"\xc0\x0c"
    records = [
        b"\x03foo\x00"
        + struct.pack("!HHIH", 1, 1, 60, 4)
        + bytes(int(part) for part in text.split("."))
        for text in addresses
    ]
    return header + packet[12:] + alias + b"".join(records)


def test_an_answer_is_read() -> None:
    with udp_server(lambda packet: reply(packet, "192.0.2.5", "192.0.2.6")) as (port, requests):
        told = ask_name("127.0.0.1", NAME, port)
    assert told["answered"] is True
    assert told["addresses"] == ["192.0.2.5", "192.0.2.6"]
    assert len(requests) == 1
    assert b"\x03api\x04site\x07example\x03com\x00\x00\x01\x00\x01" in requests[0]


def test_no_such_name_is_an_answer() -> None:
    with udp_server(lambda packet: packet[:2] + struct.pack("!5H", 0x8183, 1, 0, 0, 0)) as (
        port,
        _,
    ):
        told = ask_name("127.0.0.1", NAME, port)
    assert (told["answered"], told["addresses"]) == (True, [])


def test_a_server_that_hangs_costs_a_second() -> None:
    start = time.monotonic()
    with udp_server(lambda _: None) as (port, requests):
        told = ask_name("127.0.0.1", NAME, port)
    assert (told["answered"], len(requests)) == (False, 2)
    assert 0.9 < told["seconds"] < 3
    assert time.monotonic() - start < 4


def test_an_answer_to_the_first_of_two_questions_counts() -> None:
    asked: list[bytes] = []

    def late(packet: bytes) -> bytes | None:
        asked.append(packet)
        return reply(asked[0], "192.0.2.5") if len(asked) == 2 else None

    with udp_server(late) as (port, _):
        told = ask_name("127.0.0.1", NAME, port)
    assert told["addresses"] == ["192.0.2.5"]
    assert told["seconds"] >= 0.5


def test_what_is_no_address_is_a_server_that_does_not_answer() -> None:
    assert ask_name("..", NAME)["answered"] is False


def test_an_answer_that_is_cut_off_brings_what_is_whole() -> None:
    with udp_server(lambda packet: reply(packet, "192.0.2.5", "192.0.2.6")[:-3]) as (port, _):
        assert ask_name("127.0.0.1", NAME, port)["addresses"] == ["192.0.2.5"]


def test_files_of_a_host(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hosts").write_text(
        "127.0.0.1 localhost\n127.0.1.1 w1.old w1 # by the installer\n192.0.2.9 other cp1\n"
    )
    (tmp_path / "etc/nsswitch.conf").write_text(
        "# hosts: dns\nhosts:  files [!UNAVAIL=return] mdns4_minimal [NOTFOUND=return] dns\n"
    )
    (tmp_path / "etc/resolv.conf").write_text(
        "search example.com\n" + "".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 6))
    )
    assert name_files(tmp_path, ["w1", "cp1", "cp2"]) == {
        "hosts": {"w1": ["127.0.1.1"], "cp1": ["192.0.2.9"]},
        "order": ["files", "mdns4_minimal", "dns"],
        "servers": ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
    }


def test_a_host_without_these_files(tmp_path: Path) -> None:
    assert name_files(tmp_path, ["w1"]) == {"hosts": {}, "order": [], "servers": []}

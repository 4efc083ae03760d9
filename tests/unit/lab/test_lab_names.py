# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names at the lab's edge: what nft lists becomes the names that were asked."""

from __future__ import annotations

from typing import Any

import pytest

from lab.hosts.names import WORDS, decode, name_rules, name_sets, names_of


def question(name: str) -> bytes:
    """Return a question of type A, as it stands in a packet."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return labels + b"\0" + bytes([0, 1, 0, 1])


@pytest.mark.parametrize("name", ["a", "ya.ru", "example.org", f"{'x' * 40}.example.org"])
def test_a_whole_question_gives_its_name(name: str) -> None:
    assert decode(question(name)) == name


def test_what_is_cut_off_says_so() -> None:
    assert decode(question(f"{'x' * 50}.very-long.example.org")[:64]).endswith(".very-long.ex…")
    assert decode(b"\x03ab") == "ab…"
    assert decode(b"\0\0\1") == "."
    assert decode(question("Example.ORG")) == "example.org"


def test_keys_of_all_lengths_are_read() -> None:
    """The elements have the forms in which nft 1.0.6 listed real packets."""
    listed: list[dict[str, Any]] = [
        {"set": {"name": "names_1", "elem": [23134208]}},
        {"set": {"name": "names_2", "elem": [178280323395944448]}},
        {"set": {"name": "names_4", "elem": ["0x76578616d706c65036f726700000100"]}},
        {
            "set": {
                "name": "names_5",
                "elem": [{"concat": ["0x37777770673616d706c65036f726700", 65537]}],
            }
        },
        {"set": {"name": "names_3"}},
        {"set": {"name": "outside", "elem": ["192.0.2.1"]}},
        {"counter": {"name": "name_queries", "packets": 4}},
    ]
    assert names_of(listed) == {"a", "ya.ru", "example.org", "www.sample.org"}


def test_there_is_a_set_and_a_rule_for_each_length_the_longest_first() -> None:
    assert len(name_sets()) == len(name_rules()) == WORDS
    assert name_rules()[0].startswith("udp length >= 84 add @names_16 ")
    assert name_rules()[-1] == "udp length >= 24 add @names_1 { @th,160,32 } return"
    assert "typeof @th,160,128 . @th,288,32;" in name_sets()[4]

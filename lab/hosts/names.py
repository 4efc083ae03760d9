# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that hosts ask for at the lab's edge, noted by the kernel itself.

No process listens: nftables copies the first bytes of each question into a set, so nothing is
missed and nothing can be left running. A set has keys of one length, so there is one set for each
length of a question in words of 32 bits; the rules try the longest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

WORDS = 16  # 64 bytes is what an nftables key may hold: names of up to 62 characters
MAX_NAMES = 1024
_PREFIX = "names_"
_FIELD_WORDS = 4  # nftables loads at most 128 bits at once
# From the UDP header on: 8 bytes of it, 12 bytes of DNS header, then the question (RFC 1035, 4.1).
_QUESTION_BYTES = 20


def _fields(words: int) -> list[tuple[int, int]]:
    """Return offset and length in bits of the fields that hold so many words of a question."""
    fields = []
    for start in range(0, words, _FIELD_WORDS):
        length = min(_FIELD_WORDS, words - start)
        fields.append((8 * _QUESTION_BYTES + 32 * start, 32 * length))
    return fields


def _key(words: int) -> str:
    return " . ".join(f"@th,{offset},{length}" for offset, length in _fields(words))


def name_sets() -> list[str]:
    """Return the nftables definitions of the sets."""
    return [
        f"set {_PREFIX}{words} {{ typeof {_key(words)}; size {MAX_NAMES}; flags dynamic; }}"
        for words in range(1, WORDS + 1)
    ]


def name_rules() -> list[str]:
    """Return the nftables rules that note the question of a DNS packet over UDP."""
    return [
        f"udp length >= {_QUESTION_BYTES + 4 * words} "
        f"add @{_PREFIX}{words} {{ {_key(words)} }} return"
        for words in range(WORDS, 0, -1)
    ]


def names_of(entries: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names in a table.

    Args:
        entries: what nft lists of the table in JSON.
    """
    names = set()
    for entry in entries:
        found = entry.get("set", {})
        prefix, _, words = str(found.get("name", "")).rpartition("_")
        if f"{prefix}_" == _PREFIX:
            names |= {decode(_bytes(key, int(words))) for key in found.get("elem", [])}
    return names


def _bytes(key: Any, words: int) -> bytes:
    """Return the bytes of a key: one number or several, hexadecimal text when they are long."""
    values = key["concat"] if isinstance(key, dict) else [key]
    return b"".join(
        int(str(value), 0).to_bytes(length // 8, "big")
        for value, (_, length) in zip(values, _fields(words), strict=True)
    )


def decode(question: bytes) -> str:
    """Return the name at the start of a DNS question.

    Args:
        question: labels, each after its length, then a zero byte; anything may follow.

    Returns:
        The name in lower case; it ends in `…` when the bytes end before it does.
    """
    labels: list[str] = []
    while question:
        length, rest = question[0], question[1:]
        if length == 0:
            return ".".join(labels).lower() or "."
        labels.append(rest[:length].decode("ascii", "replace"))
        question = rest[length:]
    return ".".join(labels).lower() + "…"

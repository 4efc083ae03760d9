# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take secrets out of a text and leave the rest, so that the reason of a failure stays readable."""

from __future__ import annotations

import re

HIDDEN = "(hidden)"
_WHOLE = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
    ),
    re.compile(r"\bAGE-SECRET-KEY-[0-9A-Z]+", re.I),
    re.compile(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"),  # kubeadm's bootstrap tokens
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),  # JSON web tokens
)
_KEYS = "password|passwd|passphrase|secret|token|api[_-]?key|private[_-]?key|certificate[_-]?key"
_VALUES = (
    re.compile(r"(?P<keep>\bAuthorization:\s*\w+\s+)[^\s,;'\"]+", re.I),
    re.compile(r"(?P<keep>\bBearer\s+)[^\s,;'\"]+", re.I),
    re.compile(r"(?P<keep>://[^\s:/@]*:)[^\s/@]+(?=@)"),
    re.compile(rf"(?P<keep>\b[\w-]*(?:{_KEYS})[\w-]*['\"]?\s*=\s*['\"]?)[^\s,;'\"]+", re.I),
    re.compile(rf"(?P<keep>(?:{_KEYS})['\"]\s*:\s*['\"]?)[^\s,;'\"]+", re.I),
    re.compile(r"(?P<keep>\b[\w-]*(?:password|passwd|passphrase):\s*)[^\s,;'\"]+", re.I),
    # Of a word in prose (`invalid token: expired`) only what does not look like a word.
    re.compile(rf"(?P<keep>(?:{_KEYS}):\s+)(?=\S*\d)[^\s,;'\"]{{8,}}", re.I),
    re.compile(
        r"(?P<keep>--(?:[\w-]*(?:password|secret|token|certificate-key))\s+)[^\s,;'\"]+", re.I
    ),
)


def hide(text: str) -> str:
    """Return `text` with private keys, tokens and the values of passwords replaced."""
    for pattern in _WHOLE:
        text = pattern.sub(HIDDEN, text)
    for pattern in _VALUES:
        text = pattern.sub(rf"\g<keep>{HIDDEN}", text)
    return text

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choice of apt sources and the cache's key."""

from __future__ import annotations

import pytest

from lab.hosts.rootfs import cache_key, usable_sources

DEB822 = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
ONE_LINE = "# comment\ndeb [arch=amd64] http://mirror.example/debian bookworm main contrib\n"


@pytest.mark.parametrize(
    ("name", "text", "usable"),
    [
        ("a.sources", DEB822, True),
        ("a.sources", DEB822.replace("bookworm", "bookworm-security"), True),
        ("a.sources", DEB822.replace("bookworm", "trixie"), False),
        ("a.sources", DEB822.replace("Components: main", "Components: extra"), False),
        ("a.sources", DEB822 + "Enabled: no\n", False),
        ("a.sources", DEB822.replace("bookworm", "trixie") + "\n" + DEB822, True),
        ("a.list", ONE_LINE, True),
        ("a.list", ONE_LINE.replace("deb [", "# deb ["), False),
        ("a.list", ONE_LINE.replace("deb [", "deb-src ["), False),
        ("a.list", ONE_LINE.replace("bookworm", "nodistro"), False),
        ("a.disabled", ONE_LINE, False),
    ],
)
def test_usable_sources(name: str, text: str, usable: bool) -> None:
    assert usable_sources({name: text}) == ({name: text} if usable else {})


def test_key_changes_with_the_sources_and_with_nothing_else() -> None:
    assert cache_key({"a": DEB822}) == cache_key({"a": DEB822})
    assert cache_key({"a": DEB822}) != cache_key({"a": ONE_LINE})

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page of the configuration says: secrets hidden, equal values once, values on one line."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.config.rows import (
    DEFAULT,
    DERIVED,
    HIDDEN,
    INPUT,
    SITE,
    UNREADABLE,
    Row,
    hide,
    page,
    share,
    shown,
)

KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"


def row(name: str, value: Any, origin: str = INPUT, section: str = SITE, place: str = "") -> Row:
    return Row(section, name, value, origin, place)


def test_a_secret_is_hidden_and_so_is_every_value_that_holds_its_text() -> None:
    rows = [
        row("vault_key", KEY),
        row("tls_key", KEY.strip(), DERIVED),
        row("nested", {"files": [{"content": f"x{KEY}y"}]}),
        row("port", 443),
    ]
    hidden = hide(rows, {"vault_key"})
    assert [item.value for item in hidden] == [HIDDEN, HIDDEN, HIDDEN, 443]
    assert [item.origin for item in hidden] == [INPUT, DERIVED, INPUT, INPUT]


def test_a_short_secret_hides_only_itself() -> None:
    hidden = hide([row("vault_pin", "443"), row("url", "https://a:443")], {"vault_pin"})
    assert [item.value for item in hidden] == [HIDDEN, "https://a:443"]


def test_the_reason_why_a_secret_cannot_be_read_is_shown() -> None:
    rows = [row("vault_key", "'vault_key' is undefined", UNREADABLE)]
    assert hide(rows, {"vault_key"}) == rows


def test_what_is_equal_on_every_host_that_has_it_stands_once() -> None:
    same, only_cp = row("site_name", "x"), row("cp_port", 1, section="api")
    common, rest = share(
        {
            "cp1": [same, row("node_address", "192.0.2.1"), only_cp],
            "cp2": [same, row("node_address", "192.0.2.2"), only_cp],
            "m1": [same, row("node_address", "192.0.2.3")],
        }
    )
    assert common == [same, only_cp]
    assert {host: [item.value for item in own] for host, own in rest.items()} == {
        "cp1": ["192.0.2.1"],
        "cp2": ["192.0.2.2"],
        "m1": ["192.0.2.3"],
    }


def test_an_equal_value_from_another_place_is_not_the_same() -> None:
    common, rest = share({"a": [row("x", 1)], "b": [row("x", 1, DEFAULT)]})
    assert common == []
    assert [len(own) for own in rest.values()] == [1, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\n b", "a b"),
        ("", '""'),
        (True, "true"),
        (["я", {"a": 1}], '["я", {"a": 1}]'),
        ("x" * 101, "x" * 99 + "…"),
    ],
)
def test_a_value_is_one_line_that_fits(value: Any, text: str) -> None:
    assert shown(value) == text


def test_the_page_has_a_heading_for_roles_and_for_hosts() -> None:
    common = [row("site_name", "x", place="group all"), row("web_port", 80, DEFAULT, "web")]
    lines = page("x", common, {"a": [row("node_address", "192.0.2.1")], "b": []}).splitlines()
    assert lines == [
        "Site x, 2 hosts. The same on every host:",
        "  input      site_name    x  [group all]",
        "  role web",
        "  default    web_port     80",
        "",
        "Host a:",
        "  input      node_address 192.0.2.1",
    ]

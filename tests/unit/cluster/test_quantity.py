"""Quantities are compared by value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.quantity import (
    parse_quantity,
    same_value,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from hypothesis import given
from hypothesis import strategies as st

REQUEST = ("spec", "requests", "cpu")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        (2, 2),
        ("100m", "0.1"),
        ("1.5Gi", 1610612736),
        ("1e3", 1000),
        ("2E", "2e18"),
        ("-1k", -1000),
        (0.5, "0.5"),
    ],
)
def test_forms(text: object, value: object) -> None:
    assert parse_quantity(text) == Decimal(str(value))


@pytest.mark.parametrize("text", ["", "1.2.3", "ten", "1KB", None, True, [], "1 Gi"])
def test_bad_forms(text: object) -> None:
    with pytest.raises(InputError, match="Expected a quantity"):
        parse_quantity(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_milli_and_whole_agree(number: int) -> None:
    assert same_value(f"{number * 1000}m", str(number), REQUEST)
    assert same_value(f"{number * 1024}Ki", f"{number}Mi", REQUEST)
    assert not same_value(f"{number * 1000 + 1}m", str(number), REQUEST)


def test_elsewhere_text_is_text() -> None:
    assert not same_value("1000m", "1", ("metadata", "labels", "size"))
    assert not same_value("x", "y", REQUEST)
    assert not same_value({"cpu": 1}, "1", REQUEST)

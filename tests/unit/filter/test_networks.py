# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks: overlap and containment for both address families."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.networks import (
    address_in,
    overlapping_pairs,
    parse_address,
    parse_network,
)
from hypothesis import given
from hypothesis import strategies as st

NETWORKS = st.lists(
    st.builds(
        lambda number, length: str(ipaddress.ip_network((number, length), strict=False)),
        st.integers(0, 2**32 - 1),
        st.integers(0, 32),
    ),
    max_size=6,
)


@pytest.mark.parametrize(
    ("networks", "pairs"),
    [
        ([], []),
        (["10.0.0.0/8"], []),
        (["10.0.0.0/16", "10.1.0.0/16"], []),
        (["10.0.0.0/8", "10.96.0.0/12"], [["10.0.0.0/8", "10.96.0.0/12"]]),
        (["10.0.0.0/24", "10.0.0.0/24"], [["10.0.0.0/24", "10.0.0.0/24"]]),
        (["fd00::/48", "fd00:0:0:1::/64"], [["fd00::/48", "fd00:0:0:1::/64"]]),
        (["::/0", "0.0.0.0/0"], []),
    ],
)
def test_overlap_is_found_in_each_family(networks: list[str], pairs: list[list[str]]) -> None:
    assert overlapping_pairs(networks) == pairs


@pytest.mark.parametrize("wrong", ["10.0.0.0/8", None, 7, {"a": 1}])
def test_overlap_wants_a_list(wrong: object) -> None:
    with pytest.raises(InputError, match="Expected a list of networks"):
        overlapping_pairs(wrong)  # type: ignore[arg-type] # the wrong type is the case


@pytest.mark.parametrize("wrong", ["10.0.0.5", "10.0.0.5/8", "10.0.0.0/33", "x/8", 10, None])
def test_a_network_needs_a_length_and_no_host_bits(wrong: object) -> None:
    with pytest.raises(InputError, match=r"Expected a network such as 10\.0\.0\.0/16"):
        parse_network(wrong)


@pytest.mark.parametrize("wrong", ["10.0.0.300", "10.0.0.0/24", "", 10, None])
def test_an_address_is_checked(wrong: object) -> None:
    with pytest.raises(InputError, match=r"Expected an address such as 10\.0\.0\.5"):
        parse_address(wrong)


@pytest.mark.parametrize(
    ("address", "networks", "inside"),
    [
        ("10.0.0.5", [], False),
        ("10.0.0.5", ["10.0.0.0/24"], True),
        ("10.0.1.5", ["10.0.0.0/24", "10.0.1.0/24"], True),
        ("fd00::5", ["10.0.0.0/24"], False),
        ("fd00::5", ["fd00::/64"], True),
    ],
)
def test_containment(address: str, networks: list[str], inside: bool) -> None:
    assert address_in(address, networks) is inside


@given(NETWORKS)
def test_overlap_does_not_depend_on_the_order(networks: list[str]) -> None:
    forth = {frozenset(pair) for pair in overlapping_pairs(networks)}
    back = {frozenset(pair) for pair in overlapping_pairs(networks[::-1])}
    assert forth == back


@given(NETWORKS)
def test_overlap_agrees_with_counting_addresses(networks: list[str]) -> None:
    for one, other in overlapping_pairs(networks):
        left, right = ipaddress.IPv4Network(one), ipaddress.IPv4Network(other)
        assert max(left[0], right[0]) <= min(left[-1], right[-1])

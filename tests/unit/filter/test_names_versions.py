# SPDX-License-Identifier: GPL-3.0-or-later
"""Nearest names and version skew."""

from __future__ import annotations

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.names import nearest_name
from ansible_collections.biomax.platform.plugins.module_utils.common.versions import (
    parse_version,
    version_skew,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = ["kube_pod_subnet", "kube_service_subnet", "kube_version", "time_servers"]


@pytest.mark.parametrize(
    ("name", "candidates", "nearest"),
    [
        ("kube_pod_subnett", NAMES, "kube_pod_subnet"),
        ("kube_pod_subnet", NAMES, "kube_pod_subnet"),
        ("Kube_Version", NAMES, "kube_version"),
        ("timeservers", NAMES, "time_servers"),
        ("favourite_colour", NAMES, ""),
        ("kube_version", [], ""),
        ("", NAMES, ""),
        ("abcd", ["abce", "abcf", "abcf"], "abce"),
    ],
)
def test_nearest_name(name: str, candidates: list[str], nearest: str) -> None:
    assert nearest_name(name, candidates) == nearest


@pytest.mark.parametrize(("name", "candidates"), [(1, NAMES), ("a", "abc"), ("a", [1])])
def test_nearest_name_wants_text(name: object, candidates: list[object]) -> None:
    with pytest.raises(InputError, match=r"Expected .*name"):
        nearest_name(name, candidates)


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_name_that_exists_is_its_own_nearest(names: list[str]) -> None:
    assert nearest_name(names[0], names).lower() == names[0].lower()


@pytest.mark.parametrize(
    ("version", "reference", "skew"),
    [
        ("1.36.3", "1.36.3", 0),
        ("1.36.3", "1.35.4", 1),
        ("v1.34.0", "1.36.3", -2),
        ("1.36", "1.36.9", 0),
        ("1.37.0-rc.1", "1.36.3", 1),
    ],
)
def test_skew(version: str, reference: str, skew: int) -> None:
    assert version_skew(version, reference) == skew


def test_skew_across_majors_is_refused() -> None:
    with pytest.raises(InputError, match="the major versions differ"):
        version_skew("2.0.0", "1.36.3")


@pytest.mark.parametrize("wrong", ["", "1", "1.x", "1.36.03", 1.36, None, "1.2.3.4", ["1.2.3"]])
def test_a_version_is_checked(wrong: object) -> None:
    with pytest.raises(InputError, match=r"Expected a version such as 1\.36\.3"):
        parse_version(wrong)


@given(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)))
def test_versions_survive_the_round_trip(numbers: tuple[int, int, int]) -> None:
    assert parse_version(".".join(map(str, numbers))) == numbers


@given(st.integers(0, 99), st.integers(0, 99))
def test_skew_is_antisymmetric(one: int, other: int) -> None:
    assert version_skew(f"1.{one}.0", f"1.{other}.0") == -version_skew(f"1.{other}.0", f"1.{one}.0")

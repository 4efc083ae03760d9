# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approved steps against the steps that are needed now: what passes, what is refused and named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import (
    Approval,
    digest,
    moved,
    undecided,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from hypothesis import given, settings
from hypothesis import strategies as st

Row = dict[str, Any]
FILE: Row = {
    "role": "base_os",
    "kind": "file",
    "name": "/etc/hosts",
    "action": "adjust",
    "changes": True,
    "declared": digest("0644"),
    "observed": {"is": "file", "mode": "0600"},
}


def row(**more: Any) -> Row:
    return {**FILE, **more}


def lines(approved: list[Row], found: list[Row], *, under_way: bool = False) -> list[str]:
    return [item.line() for item in moved(approved, found, under_way=under_way)]


def test_the_same_steps_are_not_moved() -> None:
    assert lines([row()], [row()]) == []


@pytest.mark.parametrize(
    ("approved", "found", "line"),
    [
        (
            [row()],
            [row(observed={"is": "file", "mode": "0640"})],
            "file /etc/hosts (base_os): planned adjust from [is file, mode 0600];"
            " found adjust from [is file, mode 0640]",
        ),
        (
            [row()],
            [row(action="create", observed={"is": "absent"})],
            "file /etc/hosts (base_os): planned adjust from [is file, mode 0600];"
            " found create from [is absent]",
        ),
        (
            [],
            [row()],
            "file /etc/hosts (base_os): planned nothing to do;"
            " found adjust from [is file, mode 0600]",
        ),
        (
            [row()],
            [],
            "file /etc/hosts (base_os): planned adjust from [is file, mode 0600];"
            " found nothing to do",
        ),
        (
            [row()],
            [row(declared=digest("0755"))],
            "file /etc/hosts (base_os): planned adjust from [is file, mode 0600];"
            " found adjust from [is file, mode 0600], and it is declared otherwise now",
        ),
    ],
)
def test_what_moved_is_named(approved: list[Row], found: list[Row], line: str) -> None:
    assert lines(approved, found) == [line]


def test_a_step_that_only_waits_is_no_step() -> None:
    assert lines([row(changes=False)], []) == []
    assert lines([], [row(changes=False)]) == []


UNIT = row(kind="unit", name="a.service", action="restart", declared="", observed={})


@pytest.mark.parametrize(
    ("approved", "found"),
    [
        ([row()], []),
        ([UNIT], [{**UNIT, "role": "other", "observed": {"running": False}}]),
        ([{**UNIT, "action": "start"}], [UNIT]),
        ([row()], [row(kind="packages", name="dpkg", action="finish")]),
        (
            [row(kind="packages", name="a, b", action="install")],
            [row(kind="packages", name="b", action="install", observed={"installed": ["a"]})],
        ),
        (
            [row(kind="member", name="cp2", action="join")],
            [row(kind="member", name="cp2", action="finish")],
        ),
    ],
)
def test_a_cut_run_of_the_plan_may_be_finished(approved: list[Row], found: list[Row]) -> None:
    assert lines(approved, found, under_way=True) == []
    assert lines(approved, found) != []


@pytest.mark.parametrize(
    "found",
    [
        row(observed={"is": "file", "mode": "0640"}),
        row(name="/etc/other"),
        {**UNIT, "name": "b.service"},
        row(kind="packages", name="c", action="install", declared="another"),
    ],
)
def test_a_run_under_way_accepts_nothing_else(found: Row) -> None:
    approved = [row(), UNIT, row(kind="packages", name="a, b", action="install")]
    assert len(lines(approved, [found], under_way=True)) == 1


def test_steps_that_could_not_be_known_stop_for_a_second_approval() -> None:
    planned = row(kind="artifact", name="kubelet", derived=True, observed={"index": "not known"})
    now = row(kind="artifact", name="kubelet", action="replace", observed={"index": "sha256:1"})
    assert lines([planned], [now], under_way=True) == []
    assert undecided([planned], [now]) == [now]
    with pytest.raises(UnsafeError, match=r"app1: .*second approval.*replace artifact kubelet"):
        Approval("plan.json", "app1", (planned,)).verify([now])
    Approval("plan.json", "app1", (planned,)).verify([now], check=True)
    Approval("plan.json", "app1", (planned,), accept_derived=True).verify([now])
    Approval("plan.json", "app1", (planned,)).verify([])


def test_kinds_that_an_earlier_step_opens_need_a_second_approval_too() -> None:
    now = row(kind="artifact", name="kubelet", action="replace")
    with pytest.raises(UnsafeError, match="planned nothing to do; found replace"):
        Approval("plan.json", "app1", ()).verify([now])
    with pytest.raises(UnsafeError, match="second approval"):
        Approval("plan.json", "app1", (), open_kinds=("artifact",)).verify([now])
    Approval("plan.json", "app1", (), True, ("artifact",)).verify([now])
    with pytest.raises(UnsafeError, match="file /etc/hosts"):
        Approval("plan.json", "app1", (), True, ("artifact",)).verify([now, row()])


def test_an_approval_survives_the_way_to_the_host() -> None:
    whole = Approval("plan.json", "cp1", (row(),), True, ("artifact",))
    assert Approval.from_arguments(whole.as_arguments()) == whole
    assert Approval.from_arguments(None) is None
    assert Approval.from_arguments({}) is None


WORDS = st.sampled_from(["a", "b", "c"])
ROWS = st.lists(
    st.builds(
        lambda kind, name, action, mode, declared: row(
            kind=kind, name=name, action=action, observed={"mode": mode}, declared=declared
        ),
        st.sampled_from(["file", "directory"]),
        WORDS,
        st.sampled_from(["change", "create"]),
        WORDS,
        WORDS,
    ),
    max_size=6,
    unique_by=lambda item: (item["kind"], item["name"]),
)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_only_equal_plans_pass(approved: list[Row], found: list[Row]) -> None:
    def key(item: Row) -> str:
        return f"{item['kind']} {item['name']}"

    equal = sorted(approved, key=key) == sorted(found, key=key)
    assert (not moved(approved, found, under_way=False)) == equal


@settings(deadline=None)
@given(ROWS, st.data())
def test_a_run_under_way_takes_any_part_of_its_plan(
    approved: list[Row], data: st.DataObject
) -> None:
    left = data.draw(st.lists(st.sampled_from(approved), unique_by=id)) if approved else []
    assert moved(approved, left, under_way=True) == []


@dataclass(frozen=True)
class Seen:
    content: bytes
    names: frozenset[str]


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(VALUES, VALUES)
def test_a_digest_is_equal_for_equal_values_only(one: Any, other: Any) -> None:
    assert digest(json.loads(json.dumps(one))) == digest(one)
    if digest(one) == digest(other):
        assert one == other


def test_a_digest_takes_what_kinds_observe() -> None:
    assert digest(Seen(b"x", frozenset("ab"))) == digest(Seen(b"x", frozenset("ba")))
    assert digest(Seen(b"x", frozenset("a"))) != digest(Seen(b"y", frozenset("a")))

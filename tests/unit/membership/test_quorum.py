"""When etcd can do without one more member."""

from __future__ import annotations

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.membership import quorum
from ansible_collections.biomax.platform.plugins.module_utils.membership.etcd import Member
from hypothesis import given
from hypothesis import strategies as st


def members(health: str, learners: int = 0) -> list[Member]:
    """Make members cp1, cp2, … from a word: `+` answers, `-` does not; then silent learners."""
    voters = [
        Member(str(n), f"cp{n}", "", "", learner=False, healthy=sign == "+")
        for n, sign in enumerate(health, start=1)
    ]
    return voters + [Member("9", "new", "", "", learner=True) for _ in range(learners)]


@pytest.mark.parametrize(
    ("health", "silent"),
    [
        ("+", []),  # one or two voters: it cannot be avoided, and all others are well
        ("++", []),
        ("+++", []),
        ("+-", ["cp2"]),
        ("++-", ["cp3"]),
        ("+--", ["cp2", "cp3"]),
        ("++++-", []),
        ("+++--", ["cp4", "cp5"]),
        ("-++", []),  # the member itself is down: restarting what carries it costs nothing more
    ],
)
def test_shortage(health: str, silent: list[str]) -> None:
    assert quorum.shortage(members(health), "cp1") == silent
    assert quorum.shortage(members(health, learners=1), "cp1") == silent


@given(st.lists(st.sampled_from("+-"), min_size=1, max_size=9))
def test_a_disturbance_never_costs_a_quorum_that_can_be_kept(signs: list[str]) -> None:
    health = "".join(signs)
    needed, others = len(health) // 2 + 1, health[1:].count("+")
    allowed = quorum.shortage(members(health), "cp1") == []
    assert allowed == (others >= needed or "-" not in health[1:])


def test_units_that_carry_etcd() -> None:
    assert quorum.threatened_by(["haproxy.service", "kubelet.service"])
    assert not quorum.threatened_by(["haproxy.service", "keepalived.service"])

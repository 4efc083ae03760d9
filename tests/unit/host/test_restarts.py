"""Where restarts stand in a plan: tables, and properties over random plans."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.host.ledger import Intent
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Resource, Step
from ansible_collections.biomax.platform.plugins.module_utils.host.restarts import (
    owed,
    touches_units,
    with_restarts,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.systemd import UnitState
from hypothesis import given
from hypothesis import strategies as st

ACTIVE = UnitState("loaded", "active", "enabled")
UNITS = ["a.service", "b.service", "c.service"]


def change(position: int, *units: str, reloads: tuple[str, ...] = ()) -> Step:
    name = f"/etc/{position}"
    return Step("r", "file", name, "change", "", position, restarts=units, reloads=reloads)


def unit(position: int, name: str, **args: Any) -> Resource:
    return Resource("r", "unit", name, {"state": "running", **args}, position)


def shown(plan: list[Step]) -> list[str]:
    return [f"{step.action} {step.name}" for step in plan]


@pytest.mark.parametrize(
    ("steps", "units", "wanted"),
    [
        ([], [unit(1, "a.service")], []),
        (
            [change(0, "a.service")],
            [unit(1, "a.service")],
            ["change /etc/0", "restart a.service"],
        ),
        (  # a change after the unit's entry postpones it
            [change(0, "a.service"), change(2, "a.service")],
            [unit(1, "a.service")],
            ["change /etc/0", "change /etc/2", "restart a.service"],
        ),
        (  # order of declaration, also when the later unit was free to go first
            [change(0, "b.service"), change(3, "a.service")],
            [unit(1, "a.service"), unit(2, "b.service")],
            ["change /etc/0", "change /etc/3", "restart a.service", "restart b.service"],
        ),
        (  # a restart covers a reload
            [change(0, reloads=("a.service",)), change(1, "a.service")],
            [unit(2, "a.service")],
            ["change /etc/0", "change /etc/1", "restart a.service"],
        ),
        (
            [change(0, reloads=("a.service",))],
            [unit(1, "a.service")],
            ["change /etc/0", "reload a.service"],
        ),
        (  # a unit that nobody declares restarts at the end, if it runs
            [change(0, "c.service"), change(1)],
            [],
            ["change /etc/0", "change /etc/1", "restart c.service"],
        ),
        ([change(0, "a.service")], [unit(1, "a.service", state="stopped")], ["change /etc/0"]),
    ],
)
def test_position(steps: list[Step], units: list[Resource], wanted: list[str]) -> None:
    assert shown(with_restarts(steps, units, dict.fromkeys(UNITS, ACTIVE), {})) == wanted


def test_a_start_in_the_same_plan_is_enough() -> None:
    start = Step("r", "unit", "a.service", "start", "", 1)
    steps = [change(0, "a.service"), start]
    states = {"a.service": UnitState("loaded", "inactive", "")}
    assert shown(with_restarts(steps, [unit(1, "a.service")], states, {})) == [
        "change /etc/0",
        "start a.service",
    ]


def test_nothing_waits_for_a_unit_that_fails_and_is_not_declared_running() -> None:
    """Kubelet before its host has joined."""
    probed = unit(1, "a.service", state=None, ready=["probe"])
    states = {"a.service": UnitState("loaded", "activating", "enabled")}
    plan = with_restarts([change(0, "a.service")], [probed], states, {})
    assert (plan[1].action, plan[1].data.get("ready")) == ("restart", None)
    plan = with_restarts([change(0, "a.service")], [probed], {"a.service": ACTIVE}, {})
    assert plan[1].data.get("ready") == ["probe"]


def test_what_a_cut_run_owes_restarts_even_without_a_change() -> None:
    left = Intent("a.service", "restart", "r", "2026-01-01T00:00:00Z", ("file /x",))
    plan = with_restarts([], [unit(0, "a.service")], {"a.service": ACTIVE}, {"a.service": left})
    assert shown(plan) == ["restart a.service"]
    assert plan[0].detail == "left over from a cut run of 2026-01-01T00:00:00Z"


def test_daemon_reload_is_owed_and_observed() -> None:
    left = {"daemon-reload": Intent("daemon-reload", "daemon-reload", "r", "then", ())}
    assert shown(with_restarts([], [], {}, left)) == ["daemon-reload daemon-reload"]
    stale = {"a.service": UnitState("loaded", "active", "", needs_reload=True)}
    assert shown(with_restarts([], [unit(0, "a.service")], stale, {})) == [
        "daemon-reload daemon-reload"
    ]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/etc/systemd/system/a.service", True),
        ("/etc/systemd/system/a.service.d/10.conf", True),
        ("/usr/lib/systemd/system/a.service", True),
        ("/etc/fstab", True),
        ("/etc/systemd/system.conf", False),
        ("/etc/systemd/journald.conf.d/x.conf", False),
        ("/opt/etc/systemd/system/a.service", False),
    ],
)
def test_which_files_systemd_reads(path: str, wanted: bool) -> None:
    assert touches_units(Step("r", "file", path, "change", paths=(path,))) is wanted


names = st.sampled_from(UNITS)
plans = st.lists(
    st.tuples(st.booleans(), st.lists(names, max_size=2, unique=True)), min_size=1, max_size=8
)


@given(plans, st.permutations(UNITS), st.integers(0, 9), st.booleans())
def test_properties(
    rows: list[tuple[bool, list[str]]], order: list[str], first: int, left: bool
) -> None:
    steps = [change(n, *units) for n, (changed, units) in enumerate(rows) if changed]
    units = [unit(first + n, name) for n, name in enumerate(order)]
    ledger = {"b.service": Intent("b.service", "restart", "r", "then", ())} if left else {}
    plan = with_restarts(steps, units, dict.fromkeys(UNITS, ACTIVE), ledger)
    restarted = [step.name for step in plan if step.action == "restart"]
    # Exactly what is owed restarts, once, in the order of declaration.
    assert restarted == [name for name in order if name in owed(steps, ledger)]
    # Nothing that names a unit comes after its restart; the changes keep their order.
    for step in plan:
        for name in step.restarts:
            assert plan.index(step) < [s.name for s in plan].index(name)
    assert [s for s in plan if s.action == "change"] == steps

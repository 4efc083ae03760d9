"""What holds for every combination of states: a cluster is never started or removed by accident."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.biomax.platform.plugins.module_utils.membership.planner import (
    Inventory,
    make_plan,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.membership.builders import (
    CONTROL_PLANES,
    WORKERS,
    Observation,
    bare,
    beside,
    foreign,
    half_initialized,
    half_joined,
    member,
)

ALL = CONTROL_PLANES + WORKERS
Live = tuple[str, ...]
STATES: dict[str, Callable[[str, Live], Observation]] = {
    "bare": lambda name, live: beside(bare(name), live),
    "member": member,
    "down": lambda name, live: member(name, live) | {"api_ready": False, "etcd": None},
    "half_joined": half_joined,
    "joined_unclosed": lambda name, live: half_joined(name, live, complete=True),
    "half_initialized": lambda name, live: beside(
        half_initialized(name) if name in CONTROL_PLANES else bare(name), live
    ),
    "foreign": foreign,
}


@st.composite
def sites(draw: st.DrawFn) -> tuple[Inventory, dict[str, Observation], dict[str, str]]:
    """An inventory, the observations of some of its hosts, and the state of every host."""
    states = {name: draw(st.sampled_from(sorted(STATES))) for name in ALL}
    absent = draw(st.sets(st.sampled_from(CONTROL_PLANES), max_size=2))
    seen = draw(st.sets(st.sampled_from(ALL), min_size=1)) - absent
    live = tuple(name for name in CONTROL_PLANES if states[name] == "member" and name not in absent)
    inventory = Inventory(
        tuple(name for name in CONTROL_PLANES if name not in absent), WORKERS, tuple(absent)
    )
    return inventory, {name: STATES[states[name]](name, live) for name in seen}, states


@given(sites())
@settings(max_examples=150, deadline=None)
def test_init_only_when_every_control_plane_was_seen_without_a_cluster(
    site: tuple[Inventory, dict[str, Observation], dict[str, str]],
) -> None:
    inventory, seen, states = site
    started = [
        name for name, host in make_plan(inventory, seen).hosts.items() if host.action == "init"
    ]
    assert len(started) <= 1
    if started:
        assert not inventory.absent_control_planes
        assert set(CONTROL_PLANES) <= set(seen)
        allowed = {"bare", "half_initialized"}
        assert {states[name] for name in CONTROL_PLANES} <= allowed


@given(sites())
@settings(max_examples=150, deadline=None)
def test_nothing_is_removed_without_an_open_intent(
    site: tuple[Inventory, dict[str, Observation], dict[str, str]],
) -> None:
    inventory, seen, _states = site
    for name, host in make_plan(inventory, seen).hosts.items():
        if host.reset:
            assert seen[name]["intent"] is not None
            assert host.action in ("init", "join")
        if seen[name]["leftovers"] and not seen[name]["intent"]:
            assert host.action in ("nothing", "refuse")


@given(sites())
@settings(max_examples=150, deadline=None)
def test_every_seen_host_has_one_action_with_a_reason_and_joins_have_a_leader(
    site: tuple[Inventory, dict[str, Observation], dict[str, str]],
) -> None:
    inventory, seen, _states = site
    plan = make_plan(inventory, seen)
    assert set(plan.hosts) == set(seen) & set(inventory.members)
    assert all(host.reasons for host in plan.hosts.values())
    if plan.names("join", "init", "finish"):
        assert plan.leader in inventory.control_planes


@given(sites())
@settings(max_examples=150, deadline=None)
def test_limited_run_plans_for_a_host_what_the_full_run_plans(
    site: tuple[Inventory, dict[str, Observation], dict[str, str]],
) -> None:
    inventory, _seen, states = site
    live = tuple(
        name
        for name in CONTROL_PLANES
        if states[name] == "member" and name in inventory.control_planes
    )
    if not live:
        return
    everyone = {name: STATES[states[name]](name, live) for name in inventory.members}
    full = make_plan(inventory, everyone)
    for name in inventory.members:
        limited = make_plan(inventory, {name: everyone[name]}).hosts[name]
        assert (limited.action, limited.reset) == (full.hosts[name].action, full.hosts[name].reset)


@given(sites(), st.randoms())
@settings(max_examples=80, deadline=None)
def test_order_of_observations_does_not_matter(
    site: tuple[Inventory, dict[str, Observation], dict[str, str]], random: object
) -> None:
    inventory, seen, _states = site
    names = list(seen)
    random.shuffle(names)  # type: ignore[attr-defined] # hypothesis hands out a random.Random
    assert make_plan(inventory, {name: seen[name] for name in names}) == make_plan(inventory, seen)

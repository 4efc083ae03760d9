"""The judgement of the plan proof, with every kind of lie planted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds import KINDS

from tests.proofs.plan.draw import AT_MOST, draw, generator
from tests.proofs.plan.hosts.catalogue import OF_KIND, catalogue
from tests.proofs.plan.hosts.judge import Outcome, judge
from tests.proofs.plan.hosts.mutation import Mutation, Resource
from tests.proofs.plan.verdict import unequal

CONFIG = "/etc/containerd/config.toml"
UNIT = "containerd.service"
FILE = Resource(
    "containerd",
    "file",
    CONFIG,
    {"content": "x", "mode": "0644", "restarts": [UNIT], "reloads": ["proof.service"]},
)
SERVICE = Resource("containerd", "unit", UNIT, {"state": "running", "enabled": True})
UNIT_FILE = Resource("containerd", "file", f"/etc/systemd/system/{UNIT}", {"restarts": []})


def row(action: str, kind: str, name: str, changes: bool = True) -> dict[str, Any]:
    return {"action": action, "kind": kind, "name": name, "changes": changes}


def mutation(resource: Resource, what: str) -> Mutation:
    (found,) = [m for m in OF_KIND[resource.kind](resource) if m.what.endswith(f": {what}")]
    return found


CHANGED = [mutation(FILE, "a line more")]
ROWS = [row("change", "file", CONFIG), row("restart", "unit", UNIT)]
SURVEY: dict[str, Any] = {
    "mutated": {f"file {CONFIG}": ["old", "new"]},
    "applied": {f"file {CONFIG}": ["new", "old"], f"unit {UNIT} started": ["1", "2"]},
    "left": {f"unit {UNIT} started": ["1", "2"]},
    "running": [UNIT],
}
TRUE = Outcome(ROWS, ROWS, [], [], SURVEY)


def test_an_honest_run_is_believed() -> None:
    assert judge(TRUE, CHANGED) == []


def test_a_step_that_waits_is_no_change() -> None:
    rows = [*ROWS, row("wait", "unit", "chrony.service", changes=False)]
    assert judge(replace(TRUE, predicted=rows, applied=rows), CHANGED) == []


@pytest.mark.parametrize(
    ("lie", "line"),
    [
        ({"predicted": ROWS[:1], "applied": ROWS[:1]}, f"plan, missing: restart unit {UNIT}"),
        (
            {"predicted": [*ROWS, row("adjust", "file", "/x")]},
            "steps of the plan, too many: adjust file /x",
        ),
        ({"applied": ROWS[:1]}, "applied [{"),
        ({"applied": ROWS[::-1]}, "applied [{"),
        ({"again": ROWS[:1]}, "steps of the next plan, too many"),
        ({"second": ROWS[:1]}, "steps of the same plan once more, too many"),
    ],
)
def test_a_lie_in_the_rows_is_seen(lie: dict[str, Any], line: str) -> None:
    assert any(line in found for found in judge(replace(TRUE, **lie), CHANGED))


@pytest.mark.parametrize(
    ("stage", "items", "line"),
    [
        ("mutated", {}, "what was moved, missing"),
        (
            "mutated",
            {**SURVEY["mutated"], "file /y": ["a", None]},
            "what was moved, too many: file",
        ),
        ("applied", {}, "what the run changed, missing"),
        ("applied", {**SURVEY["applied"], "package age": ["a", "b"]}, "too many: package age"),
        ("left", {}, f"what differs in the end, missing: unit {UNIT} started"),
        ("left", {**SURVEY["left"], f"file {CONFIG}": ["a", "b"]}, f"too many: file {CONFIG}"),
    ],
)
def test_a_lie_about_the_host_is_seen(stage: str, items: dict[str, Any], line: str) -> None:
    outcome = replace(TRUE, survey={**SURVEY, stage: items})
    assert any(line in found for found in judge(outcome, CHANGED))


@pytest.mark.parametrize(
    ("mutations", "running", "wanted"),
    [
        (CHANGED, [], {f"change file {CONFIG}"}),
        (
            CHANGED,
            [UNIT, "proof.service"],
            {f"change file {CONFIG}", f"restart unit {UNIT}", "reload unit proof.service"},
        ),
        (
            [*CHANGED, mutation(SERVICE, "stopped")],
            [],
            {f"change file {CONFIG}", f"start unit {UNIT}"},
        ),
        (
            [mutation(UNIT_FILE, "another mode")],
            [UNIT],
            {f"adjust file {UNIT_FILE.name}", "daemon-reload unit daemon-reload"},
        ),
    ],
)
def test_restarts_follow_the_documented_rules(
    mutations: list[Mutation], running: list[str], wanted: set[str]
) -> None:
    empty = replace(TRUE, predicted=[], applied=[], survey={**SURVEY, "running": running})
    (line,) = [found for found in judge(empty, mutations) if found.startswith("steps of the plan")]
    assert set(line.removeprefix("steps of the plan, missing: ").split("; ")) == wanted


def test_every_kind_is_moved() -> None:
    assert OF_KIND.keys() == KINDS.keys()


def test_a_draw_can_be_replayed_and_touches_nothing_twice() -> None:
    found = catalogue([FILE, SERVICE, UNIT_FILE])
    for number in range(200):
        drawn = draw(generator(1, "hosts", number), found)
        assert 1 <= len(drawn) <= AT_MOST
        names = [name for item in drawn for name in item.claims]
        assert len(names) == len(set(names))
        assert drawn == draw(generator(1, "hosts", number), found)


def test_both_sides_of_a_difference_are_named() -> None:
    assert unequal("x", "ab", "bc") == ["x, missing: a", "x, too many: c"]
    assert unequal("x", "ab", "ba") == []

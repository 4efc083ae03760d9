"""The judgement over a host after a power cut, with every kind of loss planted."""

from __future__ import annotations

import json

import pytest

from tests.proofs.power import survey, watch
from tests.proofs.power.survey import Survey, broken_promises, changes_kept
from tests.proofs.power.watch import Event
from tests.proofs.power_loss import FROM_BARE_EVERY, STEPS, draw_cuts

CONFIG = "/etc/containerd/config.toml"
UNIT = "containerd.service"
OLD, NEW, OTHER, EMPTY = (10, "old"), (20, "new"), (15, "other"), (0, "nothing")
BEFORE, AFTER = Survey({CONFIG: OLD}), Survey({CONFIG: NEW})
INTENT = {f"{UNIT}.json": json.dumps({"unit": UNIT})}
RESTARTED = [Event("process", UNIT, False), Event("process", UNIT, True)]


@pytest.mark.parametrize(
    ("found", "events"),
    [
        (Survey({CONFIG: OLD}), []),
        (Survey({CONFIG: OLD}, INTENT), []),
        (Survey({CONFIG: NEW}, INTENT), []),
        (Survey({CONFIG: NEW}), RESTARTED),
        (Survey({CONFIG: OLD, "/etc/containerd/.config.toml.biomax-new": EMPTY}, INTENT), []),
        (Survey({CONFIG: OTHER}, conffiles={CONFIG: "other"}), []),
        (Survey({CONFIG: OLD, "/etc/passwd": OTHER}), []),
    ],
)
def test_a_host_that_kept_its_promises(found: Survey, events: list[Event]) -> None:
    assert broken_promises(BEFORE, found, AFTER, events) == []


@pytest.mark.parametrize(
    ("found", "events", "line"),
    [
        (Survey({CONFIG: OTHER}, INTENT), [], f"{CONFIG}: neither old nor new, 15 bytes"),
        (Survey({CONFIG: EMPTY}, INTENT), [], f"{CONFIG}: empty"),
        (Survey({}, INTENT), [], f"{CONFIG}: gone"),
        (Survey({CONFIG: OLD, "/etc/passwd": EMPTY}), [], "/etc/passwd: empty"),
        (
            Survey({CONFIG: NEW}),
            [],
            f"{UNIT}: {CONFIG} changed, and its restart is forgotten",
        ),
        (
            Survey({CONFIG: NEW}),
            [Event("process", UNIT, False)],
            f"{UNIT}: {CONFIG} changed, and its restart is forgotten",
        ),
        (
            Survey({CONFIG: OLD}, {f"{UNIT}.json": ""}),
            [],
            f"{UNIT}.json: an intent that cannot be read, 0 bytes",
        ),
    ],
)
def test_each_loss_is_named(found: Survey, events: list[Event], line: str) -> None:
    assert broken_promises(BEFORE, found, AFTER, events) == [line]


def test_a_package_that_was_cut_while_it_was_set_up() -> None:
    """Its file is in place, and dpkg notes the sum of it when the next run has set it up."""
    found = Survey({CONFIG: OTHER}, conffiles={CONFIG: "newconffile"})
    after = Survey({CONFIG: NEW}, conffiles={CONFIG: "other"})
    assert broken_promises(BEFORE, found, after, []) == []
    torn = Survey({CONFIG: (7, "torn")}, conffiles={CONFIG: "newconffile"})
    lost = [f"{CONFIG}: neither old nor new, 7 bytes"]
    assert broken_promises(BEFORE, torn, after, []) == lost


def test_what_one_more_run_leaves_is_named() -> None:
    left = Survey({CONFIG: NEW, "/opt/.tool.biomax-new": OTHER}, INTENT)
    assert broken_promises(BEFORE, BEFORE, left, []) == [
        f"{UNIT}.json: still owed after one more run",
        "/opt/.tool.biomax-new: half-written and left behind",
    ]


def test_how_much_of_a_cut_run_was_kept() -> None:
    before = Survey({"a": OLD, "b": OLD, "same": OLD})
    after = Survey({"a": NEW, "b": NEW, "same": OLD, "c": NEW})
    found = Survey({"a": NEW, "b": OLD, "same": OLD})
    assert changes_kept(before, found, after) == (1, 3)


def test_a_seed_replays_its_cuts_and_they_cover_the_steps() -> None:
    cuts = draw_cuts(12, 1, 30.0)
    assert cuts == draw_cuts(12, 1, 30.0)
    assert cuts != draw_cuts(12, 2, 30.0)
    assert {(cut.what, cut.name, cut.there) for cut in cuts if cut.what != "lock"} == set(STEPS)
    assert sum(cut.from_bare for cut in cuts) == 12 // FROM_BARE_EVERY + 1
    assert sum(cut.what == "lock" for cut in cuts) == 4


@pytest.mark.parametrize("program", [survey.PROGRAM, watch.PROGRAM])
def test_what_runs_on_the_host_is_python(program: str) -> None:
    compile(program, "program", "exec")


def test_a_cut_waits_for_its_own_object() -> None:
    cut = next(cut for cut in draw_cuts(12, 1, 30.0) if "{number}" in cut.name)
    assert cut.is_met(Event(cut.what, cut.name.format(number=f"{cut.number:03}"), cut.there))
    assert not cut.is_met(Event(cut.what, cut.name, cut.there))
    assert not cut.is_met(Event(cut.what, "/etc/hosts", cut.there))

"""The draws of the kill proof on light hosts, and its judgement with every loss planted."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.proofs import results
from tests.proofs.kill_hosts.__main__ import describe, pending, summary
from tests.proofs.kill_hosts.changed_product import without_ledger
from tests.proofs.kill_hosts.cuts import DEATH, ENGINE, KINDS, draw_cut, scenario_of
from tests.proofs.light.scenario import DRIFT, PARTS, PLACE, PROBE
from tests.proofs.light.site import BARE_HOSTS, HOSTS
from tests.proofs.light.survey import SHOWN, debts, differences
from tests.proofs.results import BROKEN, Results
from tests.support.site import ROOT

CUTS = [draw_cut(number, seed=1) for number in range(150)]
HOST: dict[str, Any] = {
    "files": {"/etc/a": ["100644", 0, 0, "f" * 64]},
    "units": {"a.service": ["active", "running", "enabled"], "session-1.scope": ["active", "", ""]},
    "starts": {},
    "packages": {"runc": "1.1 ii"},
    "parameters": {"/proc/sys/net/core/somaxconn": "8192\n"},
    "ledger": {},
    "older": [],
    "read": {f"{PLACE}/started.conf": "new", "/run/kill-probe.started": "new"},
}


def changed(kind: str, **new: Any) -> dict[str, Any]:
    """Return HOST with other content of one kind."""
    other = copy.deepcopy(HOST)
    other[kind] = new
    return other


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    assert [draw_cut(number, 1) for number in range(150)] == CUTS
    assert [draw_cut(number, 2) for number in range(150)] != CUTS
    assert scenario_of(3, 1) == scenario_of(3, 1) != scenario_of(3, 2)


def test_kinds_are_even_and_each_host_gets_all_of_them() -> None:
    assert set(Counter(cut.kind for cut in CUTS).values()) == {50}
    assert {(cut.host, cut.kind) for cut in CUTS} == {(h, kind) for h in HOSTS for kind in KINDS}
    assert all(cut.at_step for cut in CUTS if cut.kind == ENGINE)
    assert len([cut for cut in CUTS if cut.kind == DEATH and not cut.at_step]) > 10


def test_steps_cover_the_whole_run() -> None:
    steps = {cut.step(10) for cut in CUTS if cut.at_step}
    assert steps == set(range(1, 11))


def test_a_cut_that_came_too_late_is_drawn_earlier() -> None:
    late = [draw_cut(number, 1, attempt=3).share for number in range(150)]
    assert max(late) < 0.7**3


def test_every_part_and_every_drift_is_drawn_and_a_bare_host_has_none() -> None:
    scenarios = [scenario_of(number, 1) for number in range(24)]
    assert set().union(*(scenario.new for scenario in scenarios)) == set(PARTS)
    assert {name for scenario in scenarios for name in scenario.drift} == set(DRIFT)
    bare = [row for row in scenarios if HOSTS[row.number % len(HOSTS)] in BARE_HOSTS]
    assert all(row.drift == () for row in bare)


def test_a_host_that_is_as_an_undisturbed_one() -> None:
    assert differences(HOST, copy.deepcopy(HOST)) == []
    assert debts(HOST) == []


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (changed("files"), "files /etc/a: not there, and 100644 0 0 ffffffffffff was expected"),
        (
            changed("files", **{"/etc/a": ["100600", 0, 0, "f" * 64]}),
            "files /etc/a: 100600 0 0 ffffffffffff, and 100644 0 0 ffffffffffff was expected",
        ),
        (
            changed("units", **{"a.service": ["failed", "failed", "enabled"]}),
            "units a.service: failed failed enabled, and active running enabled was expected",
        ),
        (changed("packages", runc="1.1 iF"), "packages runc: 1.1 iF, and 1.1 ii was expected"),
        (
            changed("parameters", **{"/proc/sys/net/core/somaxconn": "4096\n"}),
            "parameters /proc/sys/net/core/somaxconn: 4096, and 8192 was expected",
        ),
    ],
)
def test_a_difference_is_named(found: dict[str, Any], line: str) -> None:
    assert differences(HOST, found) == [line]


def test_many_differences_are_cut_short() -> None:
    many = changed("packages", **{f"p{number:02}": "1 ii" for number in range(30)})
    lines = differences(HOST, many)
    assert len(lines) == SHOWN + 1
    assert lines[-1] == f"packages: {31 - SHOWN} more"


def test_each_debt_is_named() -> None:
    host = changed("ledger", **{f"{PROBE}.json": "{}"})
    host["older"] = ["chrony.service: its process is 1.000 s older than /etc/chrony/chrony.conf"]
    host["read"]["/run/kill-probe.started"] = "old"
    assert debts(host) == [
        f"ledger: {PROBE}.json is still there",
        "chrony.service: its process is 1.000 s older than /etc/chrony/chrony.conf",
        f"{PROBE}: it has not read what {PLACE}/started.conf holds now",
    ]


ROW = {
    **{"number": 0, "kind": ENGINE, "at_step": True, "host": "light1", "last_step": "lock"},
    **{"was_running": True, "second_run_had_work": True, "paid": [PROBE], "seconds": 5.0},
    **{"paths_compared": 9, "steps": "3 of 30", BROKEN: []},
}


def test_results_go_on_where_they_were_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    first = Results("kill_hosts", "command", seed=1)
    first.put(ROW, "number")
    first.put({**ROW, "number": 6, "was_running": False, "late": 2}, "number")
    first.save()
    again = Results("kill_hosts", "command", seed=1)
    assert again.row(number=0) == ROW
    batch = pending(again, set(range(1, 12)), 1, "")
    assert [cut.number for cut in batch] == [1, 2, 3, 4, 5, 6]
    assert batch[-1] == draw_cut(6, 1, attempt=2)
    assert Results("kill_hosts", "command", seed=2).rows == []


def test_the_numbers_count_only_runs_that_were_cut() -> None:
    broken = {**ROW, BROKEN: ["x"]}
    late = {**ROW, "was_running": False}
    numbers = summary([ROW, broken, late])
    assert numbers["runs cut"] == 2
    assert numbers["did not hold"] == 1
    assert numbers["left a restart that was paid"] == 2
    assert "held, paid kill-probe.service" in describe(ROW)[0]
    assert describe(broken)[1] == "    x"


def test_the_changed_product_lacks_one_line_of_the_engine() -> None:
    path = "plugins/module_utils/host/engine.py"
    with without_ledger() as copy_of_it:
        ours = (ROOT / path).read_text().splitlines()
        its = (copy_of_it / path).read_text().splitlines()
        linked = copy_of_it / "collections/ansible_collections/biomax/platform" / path
        assert linked.read_text().splitlines() == its
    assert [line.strip() for line in ours if line not in its] == ["_promise(ledger, plan, step)"]
    assert len(ours) == len(its) + 1

"""docs/proofs.md: it says what was run, what was not, and what did not hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.proofs.report import FAILING, is_here, render
from tests.proofs.results import BROKEN, read

PROOFS = [
    {"name": name, "title": name.title(), "claim": "C.", "compared": "D.", "command": f"run {name}"}
    for name in ("first", "second")
]
FOUND: dict[str, Any] = {
    "measured_at": "2026-01-02 03:04 UTC",
    "commit": "abc1234",
    "machine": {"cpus": 2, "memory_gib": 24, "system": "Debian", "kernel": "6.1", "load": 1.0},
    "command": "run first --seed 7",
    "seed": 7,
    "numbers": {"runs cut": 2},
    "rows": [{BROKEN: []}, {BROKEN: ["containerd.service: too old"]}],
}


def test_a_proof_that_was_not_run_is_said_to_be_not_run() -> None:
    page = render(PROOFS, {"first": {}, FAILING: {}})
    assert "| First | not run | | | | |" in page
    assert page.count("Not run on this code yet.") == 3
    assert "$ run second" in page


def test_a_proof_that_was_run_shows_its_numbers_and_what_did_not_hold() -> None:
    page = render(PROOFS, {"first": FOUND})
    assert "| First | 2026-01-02 03:04 UTC | abc1234 | 7 | 2 | **no: 1 of 2** |" in page
    assert "Run: 2026-01-02 03:04 UTC, 2 CPUs, 24 GiB, Debian, kernel 6.1, load 1.0" in page
    assert "| runs cut | 2 |" in page
    assert "containerd.service: too old" in page
    assert "$ run first --seed 7" in page


def test_the_output_of_the_failing_proof_is_shown() -> None:
    page = render(PROOFS, {FAILING: {**FOUND, "output": ["cut 1: BROKEN", "    older"]}})
    assert "--without-ledger\ncut 1: BROKEN\n    older\n```\n" in page


def test_what_another_machine_has_shown_stays_until_a_proof_is_run_here() -> None:
    failed = {**FOUND, "output": ["cut 1: BROKEN"]}
    page = render(PROOFS, {"first": FOUND, "second": FOUND, FAILING: failed})
    assert render(PROOFS, {}, page) == page
    renamed = [{**proof, "claim": "A new claim."} for proof in PROOFS]
    assert render(renamed, {}, page) == page.replace("\nC.\n", "\nA new claim.\n")
    newer = {**FOUND, "measured_at": "2026-02-03 04:05 UTC"}
    both = render(PROOFS, {"second": newer}, page)
    assert both.count("2026-01-02 03:04 UTC") == 3
    assert both.count("2026-02-03 04:05 UTC") == 2


def test_cuts_without_a_date_have_that_of_their_file(tmp_path: Path) -> None:
    file = tmp_path / "power_loss.json"
    file.write_text(json.dumps({"whole_seconds": 1.0, "cuts": [{"n": 0}, {"failed": "empty"}]}))
    found = read(file)
    assert [row[BROKEN] for row in found["rows"]] == [[], ["empty"]]
    file.write_text(json.dumps([{"mutations": ["a", "b"], "wrong": []}, {"wrong": ["c"]}]))
    assert read(file)["numbers"] == {"mutations": 2}
    assert [row[BROKEN] for row in read(file)["rows"]] == [[], ["c"]]
    assert "| First | 20" in render(PROOFS, {"first": found})
    assert "on a machine that the proof did not note" in render(PROOFS, {"first": found})


def test_a_proof_that_this_checkout_does_not_have_is_left_out() -> None:
    assert is_here({"command": "python -m tests.proofs.kill_hosts --cuts 1"})
    assert is_here({"command": "python -m tests.proofs.kill"})
    assert not is_here({"command": "python -m tests.proofs.nowhere"})

"""Cut runs on light hosts anywhere; one more run must reach what an undisturbed one reaches.

    .venv/bin/python -m tests.proofs.kill_hosts --cuts 150 --seed 1
    .venv/bin/python -m tests.proofs.kill_hosts --without-ledger     # has to end with 3

Six hosts at once, each cut in its own way: SIGKILL of the controller, sudden death of the host, or
SIGKILL of the engine's process on it. Results go to `.lab/proofs/kill_hosts.json`; cuts that stand
there and held are not repeated, so a long proof can be stopped and resumed.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from tests.proofs.kill_hosts import rounds
from tests.proofs.kill_hosts.changed_product import without_ledger
from tests.proofs.kill_hosts.cuts import ENGINE, Cut, draw_cut
from tests.proofs.light import site
from tests.proofs.results import BROKEN, Results
from tests.support.site import ROOT

ATTEMPTS = 6  # a run that ended before its cut is cut earlier the next time
NAME = "kill_hosts"
PROMISE_BROKEN = 3  # exit code; a crash of the proof itself ends with 1


def main(
    cuts: Annotated[int, typer.Option(help="How many runs are cut.")] = 150,
    seed: Annotated[int, typer.Option(help="Draws everything; the same seed replays it.")] = 1,
    unsafe: Annotated[
        bool,
        typer.Option("--without-ledger", help="Run a copy whose engine writes no ledger."),
    ] = False,
    minutes: Annotated[float, typer.Option(help="Begin no round after so long; 0: no end.")] = 0,
    keep: Annotated[bool, typer.Option(help="Leave the hosts up in the end.")] = False,
) -> None:
    """Cut, finish, judge."""
    until = time.monotonic() + minutes * 60 if minutes else float("inf")
    site.ready()
    try:
        with without_ledger() if unsafe else nullcontext(ROOT) as root:
            broken = prove(cuts, seed, until=until, root=root, unsafe=unsafe)
    finally:
        if not keep:
            site.down()
    sys.exit(PROMISE_BROKEN if broken else 0)


def prove(
    cuts: int, seed: int, *, until: float = float("inf"), root: Path = ROOT, unsafe: bool = False
) -> list[str]:
    """Make the cuts that are not there yet; return what did not hold in any.

    Args:
        cuts: how many in all.
        seed: of the draw.
        until: no round begins after this time of the monotonic clock.
        root: the checkout that is run.
        unsafe: it lacks the ledger: cut the engine only, and stop at the first broken promise.
    """
    options = " --without-ledger" if unsafe else f" --cuts {cuts} --seed {seed}"
    name = f"{NAME}_without_ledger" if unsafe else NAME
    results = Results(name, f"python -m tests.proofs.{NAME}{options}", seed)
    output: list[str] = []
    done = {row["number"] for row in results.rows if row["was_running"] and not row[BROKEN]}
    while time.monotonic() < until:
        batch = pending(results, set(range(cuts)) - done, seed, ENGINE if unsafe else "")
        if not batch:
            break
        known = rounds.references([cut.scenario for cut in batch], seed)
        for row in rounds.play(batch, seed, known, root):
            old = results.row(number=row["number"]) or {}
            late = old.get("late", 0) + (not row["was_running"])
            results.put({**row, "late": late}, "number")
            if row["was_running"] or row[BROKEN] or late >= ATTEMPTS:
                done.add(row["number"])
            output += describe(row)
            print("\n".join(describe(row)), flush=True)
        results.numbers = summary(results.rows)
        results.save(output=output[-40:], commanded_cuts=cuts)
        if unsafe and results.broken:
            break
    return results.broken


def pending(results: Results, numbers: set[int], seed: int, only: str) -> list[Cut]:
    """Return the first cut of each host among `numbers`, drawn earlier when it came too late."""
    chosen: dict[str, Cut] = {}
    for number in sorted(numbers):
        row = results.row(number=number) or {}
        cut = draw_cut(number, seed, min(row.get("late", 0), ATTEMPTS - 1), only)
        chosen.setdefault(cut.host, cut)
    return [*chosen.values()]


def describe(row: dict[str, Any]) -> list[str]:
    """Return the lines that are printed about a cut."""
    where = f"step {row['steps']}" if row["at_step"] else "a moment"
    said = f"{'held' if not row[BROKEN] else 'BROKEN'}"
    if not row["was_running"]:
        said += " (the run had ended)"
    paid = f", paid {', '.join(row['paid'])}" if row["paid"] else ""
    head = (
        f"cut {row['number']} {row['host']} {row['kind']} at {where} ({row['last_step']}): {said}"
        f"{paid}; {row['seconds']} s"
    )
    return [head, *(f"    {line}" for line in row[BROKEN])]


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the numbers for the report."""
    made = [row for row in rows if row["was_running"]]
    kinds = Counter(row["kind"] for row in made)
    return {
        "runs cut": len(made),
        **{f"by {kind}": number for kind, number in sorted(kinds.items())},
        "at a step of the engine": sum(row["at_step"] for row in made),
        "from a bare host": sum(row["host"] in site.BARE_HOSTS for row in made),
        "left work to the next run": sum(row["second_run_had_work"] for row in made),
        "left a restart that was paid": sum(bool(row["paid"]) for row in made),
        "did not hold": sum(bool(row[BROKEN]) for row in rows),
        "runs that ended before their cut, so not counted": sum(
            not row["was_running"] for row in rows
        ),
        "paths compared on each host": max((row["paths_compared"] for row in rows), default=0),
        "mean seconds of a cut": round(sum(row["seconds"] for row in rows) / max(1, len(rows)), 1),
    }


if __name__ == "__main__":
    typer.run(main)

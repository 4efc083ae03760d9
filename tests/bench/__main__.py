"""Measure the budgets and write docs/benchmarks.md.

    .venv/bin/python -m tests.bench                  # what is not measured yet for this commit
    .venv/bin/python -m tests.bench --only light20
    .venv/bin/python -m tests.bench --table          # only the page, from what was measured

Results stand in `.lab/bench/PART.json`. A part that was measured at this commit is not repeated
unless told, so a long run can be stopped and resumed.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from tests.bench import machine, parts, table
from tests.bench.budgets import all_budgets
from tests.bench.hosts import RESULTS
from tests.support.site import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
SETTLE_SECONDS = 60  # how long a load of our own making gets to fade


def main(
    only: Annotated[str, typer.Option(help=f"Parts: {', '.join(parts.PARTS)}.")] = "",
    busy: Annotated[
        bool, typer.Option(help="Measure although other work runs, and say so.")
    ] = False,
    again: Annotated[bool, typer.Option(help="Repeat what was measured at this commit.")] = False,
    table_only: Annotated[bool, typer.Option("--table", help="Write the page only.")] = False,
) -> None:
    """Measure, then write the page."""
    try:
        wanted = list(parts.names(only))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name in [] if table_only else wanted:
        known = read(RESULTS / f"{name}.json")
        if known.get("commit") == machine.commit() and not again:
            print(f"{name}: measured at {known['commit']} already; --again repeats it", flush=True)
            continue
        measure_part(name, busy)
    write_page(PAGE)


def measure_part(name: str, busy: bool) -> None:
    """Measure one part and keep its result.

    Raises:
        typer.Exit: The machine is busy and nobody allowed that.
    """
    found = quiet_machine()
    if found.busy and not busy:
        print(
            f"{name}: the load of this machine is {found.load} on {found.cpus} CPUs, so seconds"
            " would mean little. Wait until it is quiet, or measure all the same with --busy."
        )
        raise typer.Exit(1)
    print(f"{name}: load {found.load}", flush=True)
    result = parts.Measured()
    parts.PARTS[name](result)
    kept = {
        "measured_at": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": machine.commit(),
        "machine": found.as_dict(),
        "busy": found.busy,
        "values": result.values,
        "costs": {label: cost.as_dict() for label, cost in result.costs.items()},
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result.values), flush=True)


def quiet_machine() -> machine.Machine:
    """Look at the machine, and once more a little later when the part before still shows."""
    found = machine.describe()
    deadline = time.monotonic() + SETTLE_SECONDS
    while found.busy and time.monotonic() < deadline:
        time.sleep(5)
        found = machine.describe()
    return found


def write_page(page: Path) -> None:
    """Write the generated block of the page from every result there is."""
    results = {name: read(RESULTS / f"{name}.json") for name in parts.PARTS}
    measured = {name: result for name, result in results.items() if result}
    block = table.render(all_budgets(), measured)
    page.write_text(table.replace_block(page.read_text(encoding="utf-8"), block), encoding="utf-8")
    print(f"{page.relative_to(ROOT)} written")


def read(path: Path) -> dict[str, Any]:
    """Return what a result file holds; nothing when there is none."""
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    typer.run(main)

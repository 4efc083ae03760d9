"""Cut a run of site.yml by SIGKILL at drawn moments; one more run must finish the work.

    .venv/bin/python -m tests.proofs.kill --cuts 10 --seed 1

Every cut starts from the lab's snapshot `bare`. Results go to `.lab/proofs/kill.json`; cuts that
stand there already are not repeated, so a long proof can be stopped and resumed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer

from tests.proofs.results import FOLDER, Results
from tests.proofs.survival import assert_survived
from tests.support.site import ROOT, command, environment, lab, run_playbook


def cut_run(after_seconds: float, log: Path) -> bool:
    """Start site.yml and SIGKILL the controller and its workers; return whether it was running."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command("site.yml"),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(timeout=after_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
    return False


def last_task(log: Path) -> str:
    """Return the last line that the cut run printed."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:120] if lines else "nothing printed"


def prove_cut(number: int, after_seconds: float) -> dict[str, object]:
    """Restore bare hosts, cut one run, run again twice and check; return the row of the report."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lab("restore", "bare")
    log = FOLDER / f"cut-{number}.log"
    was_running = cut_run(after_seconds, log)
    started = time.monotonic()
    second = run_playbook("site.yml")
    (FOLDER / f"cut-{number}-second.log").write_text(second.output)
    seconds = round(time.monotonic() - started, 1)
    third = assert_survived(second)
    return {
        "cut": number,
        "after_seconds": round(after_seconds, 1),
        "was_running": was_running,
        "last_line": last_task(log),
        "second_run_seconds": seconds,
        "third_run_seconds": third.record["seconds"],
    }


def main(
    cuts: Annotated[int, typer.Option(help="How many moments.")] = 10,
    seed: Annotated[int, typer.Option(help="Draws the moments; the same seed replays them.")] = 1,
    whole: Annotated[float, typer.Option(help="Seconds of an undisturbed run.")] = 170.0,
) -> None:
    """Cut `cuts` runs, one in each of as many equal parts of an undisturbed run's time."""
    results = Results("kill", f"python -m tests.proofs.kill --cuts {cuts} --seed {seed}", seed)
    draw = random.Random(seed)  # noqa: S311 - moments of a test, not secrets
    for number in range(cuts):
        moment = whole * (number + draw.random()) / cuts
        if results.row(cut=number):
            continue
        row = prove_cut(number, moment)
        results.put(row, "cut")
        results.numbers = {
            "runs cut": sum(bool(row["was_running"]) for row in results.rows),
            "longest next run, seconds": max(row["second_run_seconds"] for row in results.rows),
        }
        results.save()
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    typer.run(main)

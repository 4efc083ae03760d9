"""Cut a run of site.yml by SIGKILL while it forms a cluster; one more run must finish the work.

    .venv/bin/python -m tests.proofs.kill --cuts 25 --seed 1

Every cut starts from hosts that are converged and no cluster (snapshot `converged`), since cuts of
the host layer have a proof of their own (kill_hosts). What is formed is the cluster with its
network, DNS and policies, without stores. Afterwards hosts and API are compared with those of an
undisturbed run. Results go to `.lab/proofs/kill.json`; cuts that held and stand there already are
not repeated, so a long proof can be stopped and resumed. It ends with an error when one did not.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tests.proofs import formed
from tests.proofs.results import BROKEN, FOLDER, Results
from tests.proofs.survival import assert_survived
from tests.support.site import (
    ROOT,
    Run,
    command,
    environment,
    lab,
    platform_components,
    run_playbook,
    run_tool,
)

CONVERGED = "converged"
REFERENCE = FOLDER / "kill_reference.json"
CLUSTER = (
    *("kubelet_csr_approver", "foundation", "pod_flows", "network", "cluster_dns"),
    "network_probe",
)
WITHOUT_STORES = (
    "--skip-tags",
    ",".join(name for name in platform_components() if name not in CLUSTER),
)
FIRST_MOMENT = 10.0  # seconds; before it a run only looks


def cut_run(after_seconds: float, log: Path) -> bool:
    """Start site.yml and SIGKILL the controller and its workers; return whether it was running."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command("site.yml", *WITHOUT_STORES),
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


def prove_cut(number: int, after_seconds: float) -> dict[str, Any]:
    """Cut a run on hosts without a cluster, run twice more and check; return the report's row."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    log = FOLDER / f"cut-{number}.log"
    was_running = cut_run(after_seconds, log)
    second = run_playbook("site.yml", *WITHOUT_STORES)
    (FOLDER / f"cut-{number}-second.log").write_text(second.output)
    third = assert_survived(second, *WITHOUT_STORES)
    return {
        "cut": number,
        "after_seconds": round(after_seconds, 1),
        "was_running": was_running,
        "last_line": last_task(log),
        "second_run_seconds": second.record["seconds"],
        "third_run_seconds": third.record["seconds"],
    }


def reference() -> dict[str, Any]:
    """Return the seconds of an undisturbed forming and what it made; form one if there is none."""
    status = run_tool([str(ROOT / "lab" / "lab"), "status", "--json"], 60)
    snapshots = json.loads(status.stdout)["snapshots"] if status.returncode == 0 else []
    if REFERENCE.is_file() and CONVERGED in snapshots:
        known: dict[str, Any] = json.loads(REFERENCE.read_text())
        return known
    lab("down", "--purge")
    lab("up")
    _done(run_playbook("playbooks/converge_hosts.yml"))
    lab("snapshot", CONVERGED)
    undisturbed = _done(run_playbook("site.yml", *WITHOUT_STORES))
    _done(run_playbook("site.yml", *WITHOUT_STORES))
    made = {"seconds": undisturbed.record["seconds"], "formed": formed.look()}
    FOLDER.mkdir(parents=True, exist_ok=True)
    REFERENCE.write_text(json.dumps(made))
    return made


def _done(run: Run) -> Run:
    assert run.returncode == 0, run.output[-6000:]
    return run


def main(
    cuts: Annotated[int, typer.Option(help="How many moments.")] = 25,
    seed: Annotated[int, typer.Option(help="Draws the moments; the same seed replays them.")] = 1,
    first: Annotated[int, typer.Option(help="Begin with this cut; earlier ones are left out.")] = 0,
    minutes: Annotated[float, typer.Option(help="Begin no cut after so long; 0: no end.")] = 0,
) -> None:
    """Cut `cuts` runs, one in each of as many equal parts of an undisturbed run's time."""
    until = time.monotonic() + minutes * 60 if minutes else float("inf")
    begun = f" --first {first}" if first else ""
    command_line = f"python -m tests.proofs.kill --cuts {cuts} --seed {seed}{begun}"
    results = Results("kill", command_line, seed)
    known = reference()
    whole = known["seconds"] - FIRST_MOMENT
    draw = random.Random(seed)  # noqa: S311 - moments of a test, not secrets
    for number in range(cuts):
        moment = FIRST_MOMENT + whole * (number + draw.random()) / cuts
        done = results.row(cut=number)
        if number < first or (done and done.get(BROKEN) == []):
            continue
        if time.monotonic() > until:
            break
        lab("restore", CONVERGED)
        row = prove_cut(number, moment)
        row[BROKEN] = formed.differences(known["formed"], formed.look())
        results.put(row, "cut")
        results.numbers = {
            "runs cut": sum(bool(row["was_running"]) for row in results.rows),
            "seconds of an undisturbed run": known["seconds"],
            "earliest cut, seconds": min(row["after_seconds"] for row in results.rows),
            "latest cut, seconds": max(row["after_seconds"] for row in results.rows),
            "longest next run, seconds": max(row["second_run_seconds"] for row in results.rows),
        }
        results.save(commanded_cuts=cuts)
        print(json.dumps(row), flush=True)
    assert not results.broken, results.broken


if __name__ == "__main__":
    typer.run(main)

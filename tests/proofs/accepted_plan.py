"""A plan of bare hosts binds the run that makes them a cluster.

    .venv/bin/python -m tests.proofs.accepted_plan

A run bound to a plan with open steps stops for a second approval; a further plan that accepts what
cannot be known yet is carried out to the end, and has then nothing left to do. The lab is taken
down first and stays up, formed.
Results go to `.lab/proofs/accepted_plan.json`.
"""

from __future__ import annotations

import json

import typer

from tests.proofs.results import BROKEN, FOLDER, Results
from tests.support.site import Run, lab, run_playbook

PLAN = FOLDER / "accepted_plan.plan.json"
BOUND = ("-e", f"plan_file={PLAN}")
ACCEPT = ("-e", "plan_accept_derived=true")
STOPPED = "the run stops here for a second approval"
DONE = "has nothing left to do"
FORMING_SECONDS = 1800.0


def plan(*options: str) -> int:
    """Make the plan file; return its steps."""
    run = run_playbook("playbooks/plan.yml", *BOUND, *options)
    assert run.returncode == 0, run.output[-6000:]
    return int(json.loads(PLAN.read_text())["summary"]["steps"])


def said(run: Run) -> str:
    """Return what a run printed as one line."""
    return " ".join(run.output.split())


def prove() -> dict[str, object]:
    """Plan, stop, plan again with everything accepted, form; return the row of the report."""
    open_steps = plan()
    stopped = run_playbook("site.yml", *BOUND)
    assert stopped.returncode != 0 and STOPPED in said(stopped), stopped.output[-6000:]
    steps = plan(*ACCEPT)
    formed = run_playbook("site.yml", *BOUND, timeout=FORMING_SECONDS)
    assert formed.returncode == 0, formed.output[-6000:]
    again = run_playbook("site.yml", *BOUND)
    free = run_playbook("site.yml")
    broken = []
    if DONE not in said(again):
        broken.append("the plan that was carried out still has something to do")
    for name, run in (("bound", again), ("free", free)):
        if run.returncode or run.counter("changed"):
            broken.append(f"a further {name} run ended {run.returncode}: {run.changed_tasks()}")
    return {
        "steps of the first plan": open_steps,
        "seconds until the run stopped": round(stopped.record["seconds"], 1),
        "steps of the plan that accepts": steps,
        "seconds of the run bound to it": round(formed.record["seconds"], 1),
        BROKEN: broken,
    }


def main() -> None:
    """Begin with bare hosts and judge."""
    results = Results("accepted_plan", "python -m tests.proofs.accepted_plan")
    lab("down", "--purge")
    lab("up")
    row = prove()
    results.rows = [row]
    results.numbers = {name: value for name, value in row.items() if name != BROKEN}
    results.save()
    print(json.dumps(row, indent=1))
    assert not row[BROKEN], row[BROKEN]


if __name__ == "__main__":
    typer.run(main)

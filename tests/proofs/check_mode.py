"""Check mode touches nothing: everything of the hosts, or of a cluster's API, before and after.

    .venv/bin/python -m tests.proofs.check_mode
    .venv/bin/python -m tests.proofs.check_mode --kubeconfig .lab/kubeconfig

The first form checks the host layer on light hosts of its own: bare, converged, and with changes,
drift and a cut run's restart pending. The second runs `site.yml --check --diff` on the site of the
inventory and compares every object of its API.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client

from tests.proofs import api_objects
from tests.proofs.light import site
from tests.proofs.light.scenario import DRIFT, PARTS, PROBE, Scenario
from tests.proofs.light.survey import differences, look
from tests.proofs.results import BROKEN, Results
from tests.support.site import INVENTORY, run_playbook

CHECK = ("--check", "--diff")
# A restart that a cut run owes: a check has to plan it, and to leave it owed.
_INTENT = {
    "unit": PROBE,
    "verb": "restart",
    "role": "base_os",
    "since": "2026-01-01T00:00:00Z",
    "reasons": ["file /etc/kill-proof/started.conf"],
}
_LEDGER = "/var/lib/biomax-platform/ledger"
_OWE = f"mkdir -p {_LEDGER}\necho '{json.dumps(_INTENT)}' >{_LEDGER}/{PROBE}.json\n"


def states() -> dict[str, tuple[str, Scenario]]:
    """Return in which state each host is checked, and what is declared of it."""
    bare, still, changed, drifted, cut = site.HOSTS[1:]
    return {
        bare: ("bare", Scenario(0, frozenset())),
        still: ("nothing to do", Scenario(0, frozenset())),
        changed: ("every declaration changed", Scenario(0, frozenset(PARTS))),
        drifted: ("every drift", Scenario(0, frozenset(), tuple(DRIFT))),
        cut: ("a cut run's restart owed", Scenario(0, frozenset({"containerd"}))),
    }


def prove_hosts() -> list[dict[str, Any]]:
    """Check hosts in every state; return a row for each."""
    site.reset()
    known = states()
    for host, (what, scenario) in known.items():
        owed = _OWE if "owed" in what else ""
        site.on_host(host, "sh", text=f"{scenario.script}\n{owed}")
    inventory = site.inventory({host: row.variables for host, (_, row) in known.items()})
    hosts = [*known]
    before = look(hosts, times=True)
    run = site.converge(inventory, hosts, *CHECK)
    after = look(hosts, times=True)
    rows = []
    for host, (what, _scenario) in known.items():
        broken = differences(before[host], after[host])
        counters = run.record["hosts"].get(host, {})
        predicted = bool(counters.get("changed"))
        if counters.get("failed") or not counters.get("executed"):
            broken.append(f"{host}: the check failed: {run.output[-1500:]}")
        if predicted != (what != "nothing to do"):
            broken.append(f"{host}, {what}: the check predicts {'a' if predicted else 'no'} change")
        paths = len(before[host]["files"])
        rows.append({"host": host, "state": what, "paths": paths, BROKEN: broken})
    return rows


def prove_objects(kubeconfig: Path, inventory: str, playbook: str) -> list[dict[str, Any]]:
    """Check a site that is up; return one row about the objects of its API."""
    client = open_client(str(kubeconfig))
    before = api_objects.take(client)
    run = run_playbook(playbook, *CHECK, inventory=inventory)
    broken = api_objects.differences(before, api_objects.take(client))
    if run.returncode != 0:
        broken.append(f"the check ended with {run.returncode}: {run.output[-1500:]}")
    kinds = len({name.rpartition("/")[0] for name in before})
    return [{"playbook": playbook, "objects": len(before), "kinds": kinds, BROKEN: broken}]


def main(
    kubeconfig: Annotated[Path | None, typer.Option(help="Of a cluster that is up.")] = None,
    inventory: Annotated[str, typer.Option(help="Of that site.")] = INVENTORY,
    playbook: Annotated[str, typer.Option(help="What is checked there.")] = "site.yml",
    keep: Annotated[bool, typer.Option(help="Leave the light hosts up in the end.")] = False,
) -> None:
    """Compare before and after."""
    if kubeconfig:
        command = f"python -m tests.proofs.check_mode --kubeconfig {kubeconfig}"
        results = Results("check_mode_objects", command)
        results.rows = prove_objects(kubeconfig, inventory, playbook)
        results.numbers = {"objects compared": results.rows[0]["objects"]}
    else:
        results = Results("check_mode", "python -m tests.proofs.check_mode")
        site.ready()
        try:
            results.rows = prove_hosts()
        finally:
            if not keep:
                site.down()
        results.numbers = {f"paths on a host: {row['state']}": row["paths"] for row in results.rows}
    results.save()
    _print(results.rows)
    sys.exit(1 if results.broken else 0)


def _print(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        said = ", ".join(f"{key} {value}" for key, value in row.items() if key != BROKEN)
        print(f"{said}: {'BROKEN' if row[BROKEN] else 'held'}")
        for line in row[BROKEN]:
            print(f"    {line}")


if __name__ == "__main__":
    typer.run(main)

"""A host dies and is declared absent: the rest goes on, the quorum is kept, the host comes back.

    .venv/bin/python -m tests.proofs.absent

does so with each control plane of the formed lab in turn, the inventory's first line included, and
with the node that the only instance of its database is on.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from tests.proofs.survival import MEMBERS, cluster_shape
from tests.support.inventories import edited_inventory
from tests.support.site import CONTROLLER, Run, lab, on_host, run_playbook

CONTROL_PLANES = ("cp1", "cp2", "cp3")
WORKER = "app1"
DATABASE = "db1"
HEALTHY_SECONDS = 240.0
CONVERGE = "playbooks/converge_hosts.yml"
CONTAINERD = ("-e", "containerd_concurrent_downloads=7")
HAPROXY = ("-e", "api_endpoint_max_connections=4096")


def started(host: str, unit: str) -> str:
    """Return when a unit was last started."""
    return on_host(host, f"systemctl show --value -p ActiveEnterTimestampMonotonic {unit}")


def prove_absent(dead: str) -> dict[str, float]:
    """Cut the power of `dead`, go on without it, bring it back; return seconds by what was done.

    Raises AssertionError with what was found.
    """
    rest = tuple(host for host in CONTROL_PLANES if host != dead)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        absent = edited_inventory(Path(folder), "hosts: {}", f"hosts: {{{dead}: {{}}}}")
        lab("power-off", dead)
        try:
            seconds["site.yml without it"] = prove_rest_goes_on(dead, absent)
            if dead in CONTROL_PLANES:
                seconds["restart refused"] = prove_quorum_is_kept(dead, rest, absent)
                seconds["endpoint rolled"] = prove_endpoint_rolls(rest, absent)
        finally:
            lab("power-on", dead)
    seconds["healthy again"] = prove_return()
    return {what: round(value, 1) for what, value in seconds.items()}


def prove_rest_goes_on(dead: str, absent: str) -> float:
    """site.yml succeeds and changes no host, since a death changes no declaration of the others."""
    run = run_playbook("site.yml", inventory=absent)
    assert run.returncode == 0, run.output[-6000:]
    assert run.counter("changed").keys() <= {CONTROLLER}, run.changed_tasks()
    assert dead not in run.record["hosts"]
    said = " ".join(run.output.split())
    assert (dead != DATABASE) or f"it is on {dead}, which is absent" in said, said[-6000:]
    again = run_playbook("site.yml", inventory=absent)
    assert again.returncode == 0, again.output[-6000:]
    assert again.counter("changed") == {}, again.changed_tasks()
    return float(again.record["seconds"])


def prove_quorum_is_kept(dead: str, rest: tuple[str, ...], absent: str) -> float:
    """A restart of what carries etcd is refused on each voter left, and done on a worker."""
    before = {host: started(host, "containerd") for host in (*rest, WORKER)}
    for host in rest:
        run = run_playbook(CONVERGE, "--limit", host, *CONTAINERD, inventory=absent)
        assert run.returncode != 0, run.output[-6000:]
        said = " ".join(run.output.split())
        assert f"without {host} 1 of 3 voters would be left, and 2 must decide" in said, said
        assert f"Bring {dead} back" in said, said
        assert started(host, "containerd") == before[host], f"{host} was restarted"
    for options in (CONTAINERD, ()):
        run = run_playbook(CONVERGE, "--limit", WORKER, *options, inventory=absent)
        assert run.returncode == 0, run.output[-6000:]
    assert started(WORKER, "containerd") != before[WORKER]
    return float(run.record["seconds"])


def prove_endpoint_rolls(rest: tuple[str, ...], absent: str) -> float:
    """haproxy may restart on the voters left, one after the other: etcd does not notice."""
    limit = ("--limit", ",".join(rest))
    total = 0.0
    for options in (HAPROXY, ()):
        run = run_playbook(CONVERGE, *limit, *options, inventory=absent)
        assert run.returncode == 0, run.output[-6000:]
        assert run.counter("changed") == dict.fromkeys(rest, 1)
        total += run.record["seconds"]
    return total


def prove_return() -> float:
    """The host comes back: site.yml with it is healthy and soon has nothing to do.

    Returns the seconds from power on until a run changed nothing.
    """
    begun = time.monotonic()
    while not _quiet(run := run_playbook("site.yml")):
        assert time.monotonic() - begun < HEALTHY_SECONDS, run.output[-6000:]
    assert cluster_shape() == {"nodes": sorted(MEMBERS), "etcd members": list(CONTROL_PLANES)}
    return time.monotonic() - begun


def _quiet(run: Run) -> bool:
    return run.returncode == 0 and run.counter("changed") == {}


def main(
    hosts: Annotated[str, typer.Option(help="Which, in this order.")] = ",".join(
        (*CONTROL_PLANES, DATABASE)
    ),
) -> None:
    """Do so with each of the given hosts of the lab that is up and formed."""
    for host in hosts.split(","):
        print(json.dumps({"absent": host, **prove_absent(host)}), flush=True)


if __name__ == "__main__":
    typer.run(main)

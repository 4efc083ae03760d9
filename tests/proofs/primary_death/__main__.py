"""The primary's node loses its power under a writer, time and again.

    .venv/bin/python -m tests.proofs.primary_death --deaths 10 --seed 1

A lab instance of its own with three database nodes is formed (or used, when it is up). A pod writes
rows one after the other and prints what was acknowledged; the node of the primary is switched off
at a drawn moment. Afterwards every acknowledged row must be there, and the old primary must have
come back as a replica. Results go to `.lab/proofs/primary_death.json`.
"""

from __future__ import annotations

import itertools
import random
import statistics
import threading
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError

from tests.proofs.primary_death.site import CLUSTER, INSTANCE, SLICES, Site, show
from tests.proofs.results import BROKEN, Results
from tests.support.site import lab

LONGEST_OUTAGE = 300.0  # seconds; without writes for longer, the proof gives up
LOOK_EVERY = 0.1
# An instance closes the operator's connection after 20 s without a request (upstream 1.30). Over
# one that is still open the operator asks a dead instance for 30 s: both are drawn, in turn.
IDLE_SECONDS = 20.0
SOON, QUIET = (0.0, 5.0), (30.0, 60.0)  # seconds after a recovery
AFTER_RECOVERY = "seconds after a recovery"


class Watch:
    """Notes when something was first so; asks the API in a thread of its own."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask = ask
        self.at: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY):
            try:
                if self._ask():
                    self.at = time.time()
                    return
            except ClusterError:
                continue

    def end(self) -> float | None:
        """Stop looking; return the time, None when it was not so until now."""
        self._stop.set()
        self._thread.join(60)
        return self.at


def watches(site: Site, primary: str, node: str) -> dict[str, Watch]:
    """Look for the steps from a death to the next written row."""
    clients = [site.client for _ in range(4)]

    def unready() -> bool:
        conditions = clients[0].get(f"/api/v1/nodes/{node}")["status"]["conditions"]
        return any(item["type"] == "Ready" and item["status"] != "True" for item in conditions)

    def begun() -> bool:
        return bool(clients[1].get(CLUSTER)["status"]["targetPrimary"] != primary)

    def promoted() -> bool:
        status = clients[2].get(CLUSTER)["status"]
        return bool(status["currentPrimary"] not in (primary, "pending"))

    def routed() -> bool:
        found = clients[3].get(SLICES, labelSelector="kubernetes.io/service-name=postgresql-rw")
        ready = [
            point["targetRef"]["name"]
            for item in found["items"]
            for point in item.get("endpoints") or ()
            if point["conditions"].get("ready")
        ]
        return bool(ready) and primary not in ready

    asked = {"detected": unready, "begun": begun, "promoted": promoted, "routed": routed}
    return {name: Watch(ask) for name, ask in asked.items()}


def prove_death(site: Site, number: int, delay: float) -> dict[str, Any]:
    """Switch the primary's node off, wait for the next row, switch it on; return the row."""
    site.wait_healthy()
    recovered = time.time()
    site.wait_for_acks(50)
    time.sleep(delay)
    primary = site.status()["currentPrimary"]
    node = site.node_of(primary)
    looked = watches(site, primary, node)
    died = time.time()
    lab("--instance", INSTANCE, "power-off", node)
    try:
        first = _first_ack(site, died)
        steps = {name: watch.end() for name, watch in looked.items()}
    finally:
        lab("--instance", INSTANCE, "power-on", node)
    healthy = site.wait_healthy()
    acked = {int(line[1]) for line in site.written() if line[0] == "ack"}
    there = {int(text) for text in site.query("SELECT telegram_id FROM users").split()}
    lost = sorted(acked - there)
    last = max(
        float(line[2])
        for line in site.written()
        if line[0] == "ack" and float(line[2]) <= first - 0.001
    )
    return {
        "death": number,
        "primary": primary,
        "node": node,
        "next": site.status()["currentPrimary"],
        AFTER_RECOVERY: round(died - recovered, 1),
        "seconds without writes": round(first - last, 1),
        "after": {name: at and round(at - died, 1) for name, at in steps.items()}
        | {"first row": round(first - died, 1)},
        "seconds until three instances": round(healthy, 1),
        "rows acknowledged": len(acked),
        "rows lost": len(lost),
        BROKEN: [f"{len(lost)} acknowledged rows are lost, the first is {lost[0]}"] if lost else [],
    }


def _first_ack(site: Site, died: float) -> float:
    """Return when the first row was acknowledged after the gap that the death made."""
    while time.time() - died < LONGEST_OUTAGE:
        times = [float(line[2]) for line in site.written() if line[0] == "ack"]
        pairs = [(one, two) for one, two in itertools.pairwise(times) if two > died]
        late = [two for one, two in pairs if two - one > 1.0]
        if late:
            return late[0]
        time.sleep(0.5)
    raise AssertionError(f"no row was written for {LONGEST_OUTAGE:.0f} s after the death")


def main(
    deaths: Annotated[int, typer.Option(help="How many nodes die.")] = 10,
    seed: Annotated[int, typer.Option(help="Draws the moments.")] = 1,
    keep: Annotated[bool, typer.Option(help="Leave the hosts up in the end.")] = False,
) -> None:
    """Form, kill, judge."""
    command = f"python -m tests.proofs.primary_death --deaths {deaths} --seed {seed}"
    results = Results("primary_death", command, seed)
    draw = random.Random(seed)  # noqa: S311 - moments of a test, not secrets
    site = Site()
    try:
        site.converge()
        site.wait_healthy()
        site.start_writer()
        for number in range(deaths):
            delay = draw.uniform(*(SOON, QUIET)[number % 2])
            if results.row(death=number):
                continue
            row = prove_death(site, number, delay)
            results.put(row, "death")
            results.numbers = numbers(results.rows)
            results.save()
            show(row)
            assert not row[BROKEN], row[BROKEN]
        site.stop_writer()
    finally:
        if not keep:
            lab("--instance", INSTANCE, "down", "--purge")


def numbers(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Sum up: all deaths, and the times of those soon after a recovery and of the others."""
    soon = [row for row in rows if row[AFTER_RECOVERY] < IDLE_SECONDS]
    quiet = [row for row in rows if row[AFTER_RECOVERY] >= IDLE_SECONDS]
    return {
        "deaths": len(rows),
        "acknowledged rows lost": sum(row["rows lost"] for row in rows),
        "rows acknowledged": max(row["rows acknowledged"] for row in rows),
        **_times(f"within {IDLE_SECONDS:.0f} s after a recovery", soon),
        **_times("in a quiet cluster", quiet),
    }


def _times(when: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Seconds without writes, and the mean of their parts."""
    if not rows:
        return {}
    gaps = sorted(row["seconds without writes"] for row in rows)
    parts = ("detected", "begun", "promoted", "routed", "first row")
    seen = {part: [row["after"][part] for row in rows if row["after"][part]] for part in parts}
    mean = {part: statistics.mean(times) for part, times in seen.items() if times}
    return {
        f"{when}: deaths": len(rows),
        f"{when}: seconds without writes, shortest": gaps[0],
        f"{when}: seconds without writes, median": round(statistics.median(gaps), 1),
        f"{when}: seconds without writes, longest": gaps[-1],
        **{
            f"{when}: mean seconds from death to {part}": round(value, 1)
            for part, value in mean.items()
        },
    }


if __name__ == "__main__":
    typer.run(main)

"""Move live state at random; what is predicted must be what is done, and nothing else.

    .venv/bin/python -m tests.proofs.plan --mutations 300 --seed 1

Two of three mutations are made on lab hosts of an instance of their own, one at a real API server.
Rows go to `.lab/proofs/plan.json`; rounds that stand there already are not repeated, so a long
proof can be stopped and resumed. `--side` plays one half, `--only hosts:7` one round again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from lab.hosts.instance import Instance
from tests.proofs.plan.cluster.proof import ClusterProof
from tests.proofs.plan.cluster.site import platform, rendered_objects
from tests.proofs.plan.hosts.proof import HostProof
from tests.proofs.plan.hosts.site import own_site
from tests.proofs.results import BROKEN, FOLDER, Results
from tests.support.site import lab

COMMAND = "python -m tests.proofs.plan --mutations 300 --seed 1"
SIDES = ("cluster", "hosts")
HOST_SHARE = 2 / 3
Row = dict[str, Any]
Play = Callable[[int], list[Row]]


class Report:
    """The rows of one side among the results of the proof."""

    def __init__(self, results: Results, side: str) -> None:
        """Use what is there."""
        self._results, self._side = results, side

    @property
    def rows(self) -> list[Row]:
        """The side's rows."""
        return [row for row in self._results.rows if row["side"] == self._side]

    def has(self, number: int) -> bool:
        """Tell whether a round stands there already, and all of it was as it must be."""
        found = [row for row in self.rows if row["round"] == number]
        return bool(found) and not any(row[BROKEN] for row in found)

    def mutations(self) -> int:
        """Count the mutations that a run had to answer, and answered well."""
        return sum(len(row["mutations"]) for row in self.rows if not row[BROKEN])

    def keep(self, rows: list[Row]) -> None:
        """Print the rows of a round, and keep them.

        Raises AssertionError when something was not as it must be.
        """
        for row in rows:
            print(json.dumps(row), flush=True)
            self._results.put(row, "side", "round", "where")
        self._results.numbers = numbers(self._results.rows)
        self._results.save()
        wrong = [f"{row['where']}: {line}" for row in rows for line in row[BROKEN]]
        assert not wrong, "\n".join(wrong)


def play_until(report: Report, wanted: int, play: Play) -> None:
    """Play rounds until there are as many mutations as wanted."""
    number = 0
    while report.mutations() < wanted:
        if not report.has(number):
            report.keep(play(number))
        number += 1


@contextmanager
def opened(side: str, seed: int, instance: str, keep: bool) -> Iterator[Play]:
    """Bring up one side and yield what plays a round there."""
    if side == "cluster":
        with TemporaryDirectory() as name, platform(Path(name), rendered_objects()) as site:
            yield ClusterProof(site, seed, Path(name)).play
        return
    try:
        yield HostProof(own_site(Instance(instance), FOLDER / "plan-round"), seed, FOLDER).play
    finally:
        if not keep:
            lab("--instance", instance, "down", "--purge")


def main(
    mutations: Annotated[int, typer.Option(help="How many in all.")] = 300,
    seed: Annotated[int, typer.Option(help="Draws them; the same seed replays them.")] = 1,
    *,
    side: Annotated[str, typer.Option(help="hosts or cluster; both without it.")] = "",
    instance: Annotated[str, typer.Option(help="Lab instance for the hosts.")] = "plan",
    keep: Annotated[bool, typer.Option(help="Leave the hosts up.")] = False,
    only: Annotated[str, typer.Option(help="One round, as hosts:7 or cluster:7.")] = "",
) -> None:
    """Move state `mutations` times and judge every answer."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    if only:
        name, number = only.split(":")
        with opened(name, seed, instance, keep) as play:
            print(json.dumps(play(int(number)), indent=1))
        return
    on_hosts = round(mutations * HOST_SHARE)
    wanted = {"hosts": on_hosts, "cluster": mutations - on_hosts}
    results = Results("plan", COMMAND, seed)
    for name in [side] if side else SIDES:
        report = Report(results, name)
        if report.mutations() < wanted[name]:
            with opened(name, seed, instance, keep) as play:
                play_until(report, wanted[name], play)
    print(json.dumps(numbers(results.rows)))


def numbers(rows: list[Row]) -> dict[str, Any]:
    """Return how many mutations of each kind were answered, and with how many steps."""
    kinds = Counter(text.split(":")[0] for row in rows for text in row["mutations"])
    return {
        "mutations": kinds.total(),
        **{f"of kind {kind}": count for kind, count in sorted(kinds.items())},
        "of what no role declares": sum(len(row["outside"]) for row in rows),
        "steps predicted and applied": sum(row["steps"] for row in rows),
    }


if __name__ == "__main__":
    typer.run(main)

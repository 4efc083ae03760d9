"""Rounds on hosts: draw, play, judge, and rows for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.proofs.plan.draw import draw, generator
from tests.proofs.plan.hosts.catalogue import catalogue
from tests.proofs.plan.hosts.judge import judge
from tests.proofs.plan.hosts.mutation import Mutation
from tests.proofs.plan.hosts.outside import OUTSIDE
from tests.proofs.plan.hosts.site import Site, watched_of
from tests.proofs.results import BROKEN

SIDE = "hosts"
Row = dict[str, Any]


class HostProof:
    """Rounds on the hosts of a site."""

    def __init__(self, site: Site, seed: int, logs: Path) -> None:
        """Ask what is declared; nothing is moved yet.

        Args:
            site: hosts that are as declared.
            seed: of all draws.
            logs: directory for the outputs of the rounds.
        """
        self._site, self._seed, self._logs = site, seed, logs
        declared = site.declared()
        self.catalogues = {host: catalogue(items) for host, items in declared.items()}
        self._watched = {host: watched_of(items) for host, items in declared.items()}

    def play(self, number: int) -> list[Row]:
        """Play one round; return a row for each host, `broken` says what is not as it must be."""
        drawn = {
            host: draw(generator(self._seed, SIDE, number, host), self.catalogues[host])
            for host in self._site.hosts
        }
        log = self._logs / f"plan-{SIDE}-{number}.log"
        outcomes = self._site.play(drawn, self._watched, log)
        rows = []
        for host, mutations in drawn.items():
            outcome = outcomes.get(host)
            wrong = judge(outcome, mutations) if outcome else [f"the round ended early: see {log}"]
            steps = len(outcome.predicted) if outcome else 0
            rows.append(_row(number, host, mutations, steps, wrong))
        return rows


def _row(number: int, host: str, mutations: list[Mutation], steps: int, wrong: list[str]) -> Row:
    return {
        "side": SIDE,
        "round": number,
        "where": host,
        "mutations": [str(item) for item in mutations if item.kind != OUTSIDE],
        "outside": [item.what for item in mutations if item.kind == OUTSIDE],
        "steps": steps,
        BROKEN: wrong,
    }

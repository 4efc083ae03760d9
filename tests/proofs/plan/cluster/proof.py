"""Rounds at the API server: draw, move, plan, apply, judge, and rows for the report."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

from tests.proofs.plan.cluster import survey
from tests.proofs.plan.cluster.mutation import Mutation
from tests.proofs.plan.cluster.nodes import node_mutations
from tests.proofs.plan.cluster.objects import (
    OBJECT,
    OUTSIDE,
    Declared,
    object_mutations,
    stray_mutations,
)
from tests.proofs.plan.cluster.site import NODES, POOLS, Plan, Site
from tests.proofs.plan.draw import draw, generator
from tests.proofs.plan.verdict import unequal
from tests.proofs.results import BROKEN

SIDE = "cluster"
Row = dict[str, Any]


class ClusterProof:
    """Rounds on the platform's objects and nodes."""

    def __init__(self, site: Site, seed: int, folder: Path) -> None:
        """Ask what is declared; nothing is moved yet.

        Args:
            site: a site on which a run has nothing to do.
            seed: of all draws.
            folder: plan files go there.
        """
        self._site, self._seed = site, seed
        self._plan_file = folder / "plan.json"
        self._declared = _without_webhooks(site.declared())

    def catalogue(self, number: int) -> dict[str, list[Mutation]]:
        """Return what may happen in a round; each way to move an object is as likely as a label."""
        choice = generator(self._seed, SIDE, number, "values")
        component = choice.choice(self._declared).component
        every = [
            *(made for item in self._declared for made in object_mutations(item, choice)),
            *(made for name, pool in NODES.items() for made in node_mutations(name, POOLS[pool])),
            *stray_mutations(number, component),
        ]
        found: dict[str, list[Mutation]] = {}
        for mutation in every:
            way = mutation.what if mutation.kind == OBJECT else mutation.kind
            found.setdefault(way, []).append(mutation)
        return found

    def play(self, number: int) -> list[Row]:
        """Play one round; `broken` says what is not as it must be."""
        choice: random.Random = generator(self._seed, SIDE, number)
        mutations = draw(choice, self.catalogue(number))
        try:
            steps, wrong = self._moved_and_judged(mutations)
        except PlatformError as error:
            steps, wrong = 0, [f"refused: {error}"]
        return [
            {
                "side": SIDE,
                "round": number,
                "where": "api",
                "mutations": [str(item) for item in mutations if item.kind != OUTSIDE],
                "outside": [str(item) for item in mutations if item.kind == OUTSIDE],
                "steps": steps,
                BROKEN: wrong,
            }
        ]

    def _moved_and_judged(self, mutations: Sequence[Mutation]) -> tuple[int, list[str]]:
        client = self._site.client
        before = survey.take(client)
        for mutation in mutations:
            mutation.act(client)
        predicted = self._site.run(check=True)
        mutated = survey.take(client)
        predicted.write(self._plan_file)
        applied = self._site.run(check=False, plan_file=self._plan_file)
        after = survey.take(client)
        again = self._site.run(check=True)
        second = self._site.run(check=False, plan_file=self._plan_file)
        wanted = {mutation.step for mutation in mutations if mutation.step}
        left = {mutation.item for mutation in mutations if mutation.leaves}
        moved = {mutation.item for mutation in mutations}
        really = survey.differences(mutated, after)
        return len(predicted.rows), [
            *unequal("steps of the plan", wanted, _steps(predicted)),
            *([] if applied == predicted else [f"applied {applied}, predicted {predicted}"]),
            *unequal("what was moved", moved, survey.differences(before, mutated)),
            *unequal("what the run changed", moved - left, really),
            *unequal("what differs in the end", left, survey.differences(before, after)),
            *unequal("steps of the next plan", [], _steps(again)),
            *unequal("steps of the same plan once more", [], _steps(second)),
        ]


def _steps(plan: Plan) -> list[str]:
    return [f"{row['action']} {row['kind']} {row['name']}" for row in plan.rows]


def _without_webhooks(declared: Sequence[Declared]) -> list[Declared]:
    """Leave out what a webhook would have to judge: no pod runs here that could answer."""
    judged = {
        group
        for entry in declared
        for hook in entry.item.get("webhooks") or ()
        for rule in hook["rules"]
        for group in rule["apiGroups"]
    }
    return [entry for entry in declared if entry.item["apiVersion"].split("/")[0] not in judged]

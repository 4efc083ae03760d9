"""Draw what is moved in a round: seeded, so that any round can be replayed alone."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

AT_MOST = 4  # mutations of one host, or of the cluster, in one round


class Claiming(Protocol):
    """A mutation that names what no other one of its round may touch."""

    @property
    def claims(self) -> frozenset[str]:
        """The names."""


M = TypeVar("M", bound=Claiming)


def generator(seed: int, *place: object) -> random.Random:
    """Return the generator of one place of a proof: a round, a host."""
    return random.Random(f"{seed} {place}")  # noqa: S311 - draws of a test, not secrets


def draw(choice: random.Random, catalogue: Mapping[str, Sequence[M]]) -> list[M]:
    """Draw one to four mutations that do not touch each other; each kind is as likely."""
    wanted = choice.randint(1, AT_MOST)
    drawn: list[M] = []
    claimed: set[str] = set()
    for _ in range(20 * wanted):
        if len(drawn) == wanted:
            break
        mutation = choice.choice(catalogue[choice.choice(sorted(catalogue))])
        if not mutation.claims & claimed:
            drawn.append(mutation)
            claimed |= mutation.claims
    return drawn

"""The budgets, from the one file that tests and the benchmark read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("budgets.yml")


@dataclass(frozen=True)
class Budget:
    """What one thing may cost.

    Attributes:
        name: How tests and measurements call it.
        what: What a reader sees.
        unit: ``s`` or the noun that is counted.
        at_most: The most that is accepted, in `unit`.
        counter: Whether it is the same on every machine, so that a test may fail on it.
    """

    name: str
    what: str
    unit: str
    at_most: float
    counter: bool = False


@cache
def all_budgets() -> dict[str, Budget]:
    """Return every budget by name, in the order of the file."""
    rows = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {row["name"]: Budget(**row) for row in rows}


def counter(name: str) -> int:
    """Return the most that a counter may be.

    Raises:
        ValueError: The budget is a time, on which no test may fail.
    """
    budget = all_budgets()[name]
    if not budget.counter:
        raise ValueError(f"{name} is a time: it is printed by the benchmark, not asserted.")
    return int(budget.at_most)

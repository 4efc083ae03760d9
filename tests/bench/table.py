"""The generated part of docs/benchmarks.md: one row for each budget, then where the time goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.bench.budgets import Budget

BEGIN = "<!-- begin: written by `make bench` -->"
END = "<!-- end: written by `make bench` -->"
SHOWN_SECONDS = 0.05  # plays that took less are not listed


def render(budgets: Mapping[str, Budget], parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the generated block.

    Args:
        budgets: Every budget by name.
        parts: Result of each part that was measured, by the part's name: ``measured_at``,
            ``commit``, ``machine``, ``values`` by budget and ``costs`` by label.
    """
    lines = [BEGIN, "", *_runs(parts), "", *_budget_rows(budgets, parts)]
    for part in parts.values():
        for label, cost in part["costs"].items():
            lines += ["", *_profile(label, cost)]
    return "\n".join([*lines, "", END])


def replace_block(text: str, block: str) -> str:
    """Return `text` with its generated block replaced.

    Raises:
        ValueError: The text has no such block.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page has no block between {BEGIN!r} and {END!r}.")
    return head + block + tail


def _runs(parts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "| part | measured | commit | machine | load before |"
    yield "|---|---|---|---|---|"
    for name, part in parts.items():
        found = part["machine"]
        machine = (
            f"{found['cpus']} CPUs, {found['memory_gib']} GiB, {found['system']}, {found['kernel']}"
        )
        load = f"{found['load']}{' (busy: seconds are not comparable)' if part['busy'] else ''}"
        yield f"| {name} | {part['measured_at']} | {part['commit']} | {machine} | {load} |"


def _budget_rows(
    budgets: Mapping[str, Budget], parts: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    values = {name: value for part in parts.values() for name, value in part["values"].items()}
    yield "| what | at most | measured | met |"
    yield "|---|---|---|---|"
    for name, budget in budgets.items():
        most = _number(budget.at_most, budget.unit)
        if name not in values:
            yield f"| {budget.what} | {most} | not measured | |"
            continue
        met = "yes" if values[name] <= budget.at_most else "**no**"
        yield f"| {budget.what} | {most} | {_number(values[name], budget.unit)} | {met} |"


def _profile(label: str, cost: Mapping[str, Any]) -> Sequence[str]:
    """Return the table of one measured command."""
    rows = [
        f"### {label}",
        "",
        "| | s |",
        "|---|---|",
        f"| in all | {cost['seconds']:.1f} |",
        f"| processor, controller | {cost['controller_cpu']:.1f} |",
        f"| processor, hosts | {cost['hosts_cpu']:.1f} |",
    ]
    rows += [
        f"| phase: {play} | {seconds:.1f} |"
        for play, seconds in cost["phases"].items()
        if seconds >= SHOWN_SECONDS
    ]
    counters = ", ".join(f"{name} {value}" for name, value in cost["counters"].items())
    return [*rows, "", f"Counters: {counters}."] if counters else rows


def _number(value: float, unit: str) -> str:
    """Write a number with its unit, seconds to a tenth when they are few."""
    if unit == "s":
        minutes, seconds = f"{value / 60:.1f} min", f"{value:.1f} s"
        return minutes.replace(".0 ", " ") if value >= 180 else seconds.replace(".0 ", " ")
    return f"{value:g}" if unit == "tasks" else f"{value:g} {unit}"

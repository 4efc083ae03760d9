"""The generated page: a row for each budget, honest about what was missed or not measured."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bench import budgets, machine, parts, table
from tests.bench.budgets import Budget
from tests.support.site import ROOT

PAGE = f"# Benchmarks\n\nBy hand.\n\n{table.BEGIN}\nold\n{table.END}\n\nAlso by hand.\n"
COST = {
    "seconds": 8.54,
    "controller_cpu": 6.0,
    "hosts_cpu": 3.25,
    "phases": {"Preflight": 2.0, "Note the members": 0.01},
    "counters": {"changed": 0, "connections": 1},
}


def part(load: float = 0.1, **values: float) -> dict[str, Any]:
    found = machine.Machine(2, 24, "6.1.0", "Debian GNU/Linux 12 (bookworm)", load)
    return {
        "measured_at": "2026-01-02 03:04 UTC",
        "commit": "abc1234",
        "machine": found.as_dict(),
        "busy": found.busy,
        "values": values,
        "costs": {"site.yml, nothing to do": COST},
    }


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_a_row_says_whether_the_budget_was_met() -> None:
    known = {
        "quick": Budget("quick", "a quick thing", "s", 10),
        "slow": Budget("slow", "a slow thing", "s", 360),
        "many": Budget("many", "tasks per host", "tasks", 3, counter=True),
        "never": Budget("never", "nobody measured it", "s", 20),
    }
    found = rows(table.render(known, {"site7": part(quick=8.54, slow=366.4, many=3.0)}))
    assert ["a quick thing", "10 s", "8.5 s", "yes"] in found
    assert ["a slow thing", "6 min", "6.1 min", "**no**"] in found
    assert ["tasks per host", "3", "3", "yes"] in found
    assert ["nobody measured it", "20 s", "not measured", ""] in found


def test_a_busy_machine_is_named() -> None:
    quiet = table.render({}, {"site7": part(0.4)})
    assert "2 CPUs, 24 GiB, Debian GNU/Linux 12 (bookworm), 6.1.0" in quiet
    assert "busy" not in quiet
    assert "| 3.0 (busy: seconds are not comparable) |" in table.render({}, {"site7": part(3.0)})


def test_the_profile_lists_processor_time_phases_and_counters() -> None:
    text = table.render({}, {"site7": part()})
    assert ["processor, hosts", "3.2"] in rows(text)
    assert ["phase: Preflight", "2.0"] in rows(text)
    assert "Note the members" not in text
    assert "Counters: changed 0, connections 1." in text


def test_only_the_block_is_replaced() -> None:
    block = table.render(budgets.all_budgets(), {})
    page = table.replace_block(PAGE, block)
    assert page == PAGE.replace(f"{table.BEGIN}\nold\n{table.END}", block)
    assert table.replace_block(page, block) == page
    with pytest.raises(ValueError, match="no block between"):
        table.replace_block("# Benchmarks\n", block)


def test_the_page_has_its_block() -> None:
    text = (ROOT / "docs/benchmarks.md").read_text()
    assert table.BEGIN in text
    assert table.END in text


def test_tests_may_not_fail_on_times() -> None:
    assert budgets.counter("host_layer_tasks") == 3
    with pytest.raises(ValueError, match="again_7 is a time"):
        budgets.counter("again_7")


def test_parts_are_chosen_by_name() -> None:
    assert list(parts.names("")) == list(parts.USUAL)
    assert list(parts.names("site7,bundle")) == ["site7", "bundle"]
    with pytest.raises(ValueError, match="No part 'site8'"):
        list(parts.names("site8"))

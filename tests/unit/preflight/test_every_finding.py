# SPDX-License-Identifier: GPL-3.0-or-later
"""Every finding of the catalogue is planted once, and silent where nothing is wrong."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.catalogue import (
    LEVELS,
    MEANINGS,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_variables import (
    ClosedList,
)

from tests.unit.preflight import cases_hosts, cases_inventory, cases_network
from tests.unit.preflight.scenes import Case, Scene

ROOT = Path(__file__).parents[3]
CASES = [*cases_inventory.CASES, *cases_hosts.CASES, *cases_network.CASES]


def test_every_finding_of_the_catalogue_has_one_case() -> None:
    assert sorted(case.id for case in CASES) == sorted(LEVELS)


def test_the_clean_site_is_silent(
    closed: ClosedList, signed_bundle: tuple[Path, str], tmp_path: Path
) -> None:
    outcome = Scene().judge(closed, signed_bundle, tmp_path)
    assert (outcome.findings, list(outcome.not_checked)) == ([], [])


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_planted_fault_is_found(
    case: Case, closed: ClosedList, signed_bundle: tuple[Path, str], tmp_path: Path
) -> None:
    findings = case.planted.judge(closed, signed_bundle, tmp_path).findings
    assert {item.id for item in findings} <= {case.id, *case.also}
    planted = [item for item in findings if item.id == case.id]
    assert {item.host for item in planted} == set(case.hosts.split())
    for item in planted:
        assert case.found in item.found
        assert item.level == LEVELS[case.id]
        assert item.wanted
        assert item.action


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_what_is_nearly_wrong_is_silent(
    case: Case, closed: ClosedList, signed_bundle: tuple[Path, str], tmp_path: Path
) -> None:
    findings = case.near.judge(closed, signed_bundle, tmp_path).findings
    assert {item.id for item in findings} == set(case.near_also)


def test_checks_report_what_the_catalogue_lists_and_nothing_else() -> None:
    """Every text of the checks that looks like an id is one, and every id is reported somewhere."""
    topics = {name.partition("/")[0] for name in LEVELS}
    used = set()
    for path in (ROOT / "plugins/module_utils/preflight").glob("*.py"):
        if path.name == "catalogue.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                topic, slash, rest = node.value.partition("/")
                if slash and topic in topics and rest.replace("-", "").isalnum():
                    used.add(node.value)
    assert used == set(LEVELS)


def test_the_guide_lists_every_finding_with_its_level_and_meaning() -> None:
    guide = (ROOT / "docs/guide/preflight.md").read_text()
    rows = {line for line in guide.splitlines() if line.startswith("| `")}
    for name, meaning in MEANINGS.items():
        assert f"| `{name}` | {LEVELS[name]} | {meaning} |" in rows
    assert len(rows) == len(MEANINGS)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of preflight: one page for a person, one document for a program."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.catalogue import (
    STOP,
    WARNING,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    Finding,
    NotChecked,
    stops,
)

FORMAT = 2  # of the document; docs/guide/preflight.md describes it
_NAMED = 8  # hosts that a line names
_TITLES = {STOP: "STOP: correct these first", WARNING: "WARNING: the run goes on"}


@dataclass(frozen=True)
class Outcome:
    """Everything that one run of preflight says.

    Attributes:
        findings: All findings, sorted.
        hosts: Hosts that were looked at, or should have been.
        not_checked: What could not be looked at.
        measured: Numbers that were measured, by host and name.
    """

    findings: Sequence[Finding]
    hosts: Sequence[str] = ()
    not_checked: Sequence[NotChecked] = ()
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def headline(outcome: Outcome) -> str:
    """Say in one line how it went."""
    problems = len(stops(outcome.findings))
    warnings = len(outcome.findings) - problems
    return (
        f"Preflight of {_count(len(outcome.hosts), 'host')}: {_count(problems, 'problem')}"
        f", {_count(warnings, 'warning')}. Nothing was changed."
    )


def page(outcome: Outcome) -> str:
    """Lay everything out for a terminal: what stops the run first, equal findings once.

    Facts are not wrapped, so that a path or an address can be copied and searched for.

    Returns:
        Text of several lines, without a final newline.
    """
    lines = [headline(outcome)]
    for level, title in _TITLES.items():
        chosen = [finding for finding in outcome.findings if finding.level == level]
        if chosen:
            lines += ["", title]
            lines += _blocks(chosen)
    if outcome.not_checked:
        lines += ["", "NOT CHECKED"]
        notes: dict[tuple[str, str], list[str]] = defaultdict(list)
        for note in sorted(set(outcome.not_checked)):
            notes[(note.what, note.reason)].append(note.host)
        lines += [f"  {what} ({_list(at)}): {why}" for (what, why), at in notes.items()]
    return "\n".join(lines)


def document(outcome: Outcome, site: str) -> dict[str, Any]:
    """Return what the JSON file holds.

    Args:
        outcome: What this run says.
        site: Name of the site.
    """
    return {
        "format": FORMAT,
        "site": site,
        "hosts": sorted(outcome.hosts),
        "passed": not stops(outcome.findings),
        "findings": [
            {**asdict(finding), "check": finding.check, "level": finding.level}
            for finding in outcome.findings
        ],
        "not_checked": [asdict(note) for note in sorted(set(outcome.not_checked))],
        "measured": {host: dict(numbers) for host, numbers in sorted(outcome.measured.items())},
    }


def _blocks(findings: Iterable[Finding]) -> list[str]:
    """Show findings of one kind with one remedy as one block, hosts with one fact on one line."""
    blocks: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for finding in findings:
        facts = blocks.setdefault((finding.id, finding.wanted, finding.action), {})
        facts.setdefault(finding.found, []).append(finding.host)
    lines: list[str] = []
    for (name, wanted, action), facts in blocks.items():
        lines += ["", f"  {name}"]
        lines += [f"      found   {_list(hosts)}: {found}" for found, hosts in facts.items()]
        lines += [f"      wanted  {wanted}", f"      to do   {action}"]
    return lines


def _list(hosts: Sequence[str]) -> str:
    """Name hosts in the order of their numbers; of very many only the first and how many."""
    named = sorted(hosts, key=_in_order)
    if len(named) <= _NAMED:
        return ", ".join(named)
    return f"{', '.join(named[:_NAMED])} and {len(named) - _NAMED} more"


def _in_order(host: str) -> list[tuple[str, int]]:
    """Sort w2 before w10."""
    return [(text, int(part or 0)) for text, part in re.findall(r"(\D*)(\d*)", host)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

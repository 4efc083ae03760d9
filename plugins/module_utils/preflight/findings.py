# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings, and how a person and a program read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

SITE = "(site)"  # stands for the host of a finding that no single host can answer for
ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is not as it must be.

    Attributes:
        host: Name of the host, or SITE.
        check: Name of the check, one word.
        found: What was found, and where.
        wanted: What must be there instead.
        action: What to do next.
        level: ERROR stops the run; WARNING is only shown.
    """

    host: str
    check: str
    found: str
    wanted: str
    action: str
    level: str = ERROR


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Order findings: errors first, then by host and check; each stands once."""
    return sorted(set(findings), key=lambda finding: (finding.level != ERROR, finding))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Keep the findings that stop the run."""
    return [finding for finding in findings if finding.level == ERROR]


def headline(findings: Sequence[Finding], hosts: int) -> str:
    """Say in one line how it went.

    Args:
        findings: All findings.
        hosts: Number of hosts that were looked at.
    """
    problems = len(errors(findings))
    warnings = len(findings) - problems
    return (
        f"Preflight of {_count(hosts, 'host')}: {_count(problems, 'problem')}"
        f", {_count(warnings, 'warning')}. Nothing was changed."
    )


def table(findings: Sequence[Finding], hosts: int) -> str:
    """Lay findings out for a terminal: host and check at the left, one fact on each line.

    Facts are not wrapped, so that a path or an address can be copied and searched for.

    Args:
        findings: All findings, sorted.
        hosts: Number of hosts that were looked at.

    Returns:
        Text of several lines, without a final newline.
    """
    lines = [headline(findings, hosts)]
    width = max((len(finding.host) for finding in findings), default=0)
    for finding in findings:
        mark = "" if finding.level == ERROR else " (warning)"
        indent = " " * (width + 4)
        lines += [
            "",
            f"  {finding.host:<{width}}  {finding.check}{mark}",
            f"{indent}found   {finding.found}",
            f"{indent}wanted  {finding.wanted}",
            f"{indent}to do   {finding.action}",
        ]
    return "\n".join(lines)


def report(findings: Sequence[Finding], site: str, hosts: Iterable[str]) -> dict[str, Any]:
    """Return what the JSON file holds.

    Args:
        findings: All findings, sorted.
        site: Name of the site.
        hosts: Hosts that were looked at.
    """
    return {
        "format": 1,
        "site": site,
        "hosts": sorted(hosts),
        "passed": not errors(findings),
        "findings": [asdict(finding) for finding in findings],
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")

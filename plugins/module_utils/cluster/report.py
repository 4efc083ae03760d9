# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a verification: one form for programs, one for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.verdict import Check
from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import write_file


def report_of(
    checks: Sequence[Check], seconds: float, requests: Mapping[str, int]
) -> dict[str, Any]:
    """Build the report.

    Args:
        checks: The last verdict.
        seconds: How long the verification took.
        requests: API requests by verb.

    Returns:
        ``ok``, ``seconds``, ``requests``, ``checks`` and ``text`` (lines for people).
    """
    return {
        "ok": all(check.ok for check in checks),
        "seconds": seconds,
        "requests": {**requests, "total": sum(requests.values())},
        "checks": [
            {
                "name": check.name,
                "ok": check.ok,
                "passed": check.passed,
                "missing": list(check.missing),
            }
            for check in checks
        ],
        "text": [check.line() for check in checks],
    }


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Replace the report in one step, so that a reader never sees half of it.

    Args:
        path: File to write; its directory must exist.
        report: The report.

    Raises:
        PlatformError: The file cannot be written.
    """
    write_file(path, (json.dumps(report, indent=1, sort_keys=True) + "\n").encode())

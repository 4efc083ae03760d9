# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds the time of each phase to the report that the verification wrote in the same run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: site_report
type: aggregate
short_description: Adds the time of each phase to the site's report
version_added: 0.1.0
description:
  - When a task of M(biomax.platform.cluster_verify) wrote a report in this run, the times of all
    plays and the counters of all hosts are added to it at the end of the run.
  - The times of plays that changed something are kept in C(phase_times.json) beside the report;
    M(biomax.platform.site_plan) makes its estimates from them.
  - A run without a verification leaves no trace.
requirements:
  - enable in configuration with C(callbacks_enabled = biomax.platform.site_report)
author: biomax.platform authors
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible_collections.biomax.platform.plugins.module_utils.cluster.report import write_report
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.progress import record_times


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible-core ships no type information
    """Note when plays start, and where the report is."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "biomax.platform.site_report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._started = time.monotonic()
        self._plays: list[tuple[str, float]] = []
        self._changed: set[str] = set()
        self._report = ""

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A phase begins, so the one before has ended."""
        self._plays.append((play.get_name().strip(), time.monotonic()))

    def v2_runner_on_ok(self, result: Any) -> None:
        """Remember where the report is, and which phases change something."""
        if result.result.get("changed") and not result.task.check_mode and self._plays:
            self._changed.add(self._plays[-1][0])
        self._report = str(result.result.get("report_file") or self._report)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002 - fixed signature
        """A failed verification has a report as well."""
        self.v2_runner_on_ok(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Complete the report."""
        if not self._report:
            return
        now = time.monotonic()
        path = Path(self._report)
        report = json.loads(path.read_text(encoding="utf-8"))
        report["phases"] = phases(self._plays, now)
        report["run_seconds"] = round(now - self._started, 3)
        report["hosts"] = {host: stats.summarize(host) for host in sorted(stats.processed)}
        write_report(path, report)
        times = {row["name"]: row["seconds"] for row in report["phases"]}
        record_times(path.parent, {name: times[name] for name in self._changed & times.keys()})


def phases(plays: list[tuple[str, float]], end: float) -> list[dict[str, Any]]:
    """Turn the starts of plays into durations in seconds."""
    ends = [*(start for _, start in plays[1:]), end][: len(plays)]
    return [
        {"name": name, "seconds": round(stop - start, 3)}
        for (name, start), stop in zip(plays, ends, strict=True)
    ]

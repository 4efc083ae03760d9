# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counters of a run as JSON, so that budgets are tested on numbers and not on printed text."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_record
type: aggregate
short_description: Writes what a run executed, on which host and for how long, as JSON
version_added: 0.1.0
description:
  - Counts executed, changed, skipped and failed tasks for each host and times every play and task.
  - Adds up what modules say they hashed, as C(bytes_hashed).
  - Nothing is written unless a path is given.
options:
  path:
    description: File to write when the run ends; its directory must exist.
    type: path
    env:
      - name: BIOMAX_RUN_RECORD
requirements:
  - enable in configuration with C(callbacks_enabled = biomax.platform.run_record)
author: biomax.platform authors
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible-core ships no type information
    """Collect counters while the run goes on and write them once at its end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "biomax.platform.run_record"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._started = time.monotonic()
        self._plays: list[dict[str, Any]] = []
        self._tasks: list[dict[str, Any]] = []
        self._hosts: dict[str, dict[str, int]] = {}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Open a play."""
        self._close(self._plays)
        self._plays.append({"name": play.get_name().strip(), "started": self._now()})

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002 - fixed signature
        """Open a task."""
        self._close(self._tasks)
        self._tasks.append(
            {
                "name": task.get_name().strip(),
                "play": self._plays[-1]["name"] if self._plays else "",
                "started": self._now(),
                "hosts": [],
            }
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count an executed task, and its change if it made one."""
        self._count(result, "executed")
        if result.result.get("changed"):
            self._count(result, "changed")
            self._tasks[-1].setdefault("changed", []).append(result.host.get_name())
        self._tasks[-1]["hosts"].append(result.host.get_name())
        self._count(result, "bytes_hashed", int(result.result.get("bytes_hashed") or 0))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002 - fixed signature
        """Count a failed task."""
        self._count(result, "executed")
        self._count(result, "failed")
        self._tasks[-1]["hosts"].append(result.host.get_name())

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Count an unreachable host."""
        self._count(result, "unreachable")

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Count a skipped task."""
        self._count(result, "skipped")

    def v2_playbook_on_stats(self, stats: Any) -> None:  # noqa: ARG002 - fixed signature
        """Write the record."""
        self._close(self._plays)
        self._close(self._tasks)
        path = self.get_option("path")
        if path:
            record = {
                "seconds": self._now(),
                "hosts": self._hosts,
                "plays": self._plays,
                "tasks": self._tasks,
            }
            Path(path).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    def _now(self) -> float:
        return round(time.monotonic() - self._started, 3)

    def _close(self, rows: list[dict[str, Any]]) -> None:
        if rows and "seconds" not in rows[-1]:
            rows[-1]["seconds"] = round(self._now() - rows[-1]["started"], 3)

    def _count(self, result: Any, what: str, number: int = 1) -> None:
        counters = self._hosts.setdefault(result.host.get_name(), {})
        if number:
            counters[what] = counters.get(what, 0) + number

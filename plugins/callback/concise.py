# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Output that a person reads: a line per changed resource, the time of each phase, a recap."""

from __future__ import annotations

DOCUMENTATION = r"""
name: concise
type: stdout
short_description: A line per changed resource, the time of each phase, a recap
version_added: 0.1.0
description:
  - The default output, except for modules that return a plan, as M(biomax.platform.host_state)
    does. Those print one line per step instead of one word for everything.
  - With C(-v), declarations that are as they should be are listed as well.
  - At the end the time of each play is printed.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout in configuration
author: biomax.platform authors
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible import constants as C
from ansible.plugins.callback.default import CallbackModule as DefaultCallback

_SHOWN_SECONDS = 0.05  # plays that took less are not listed


class CallbackModule(DefaultCallback):  # type: ignore[misc] # ansible-core ships no type information
    """The default callback with plans printed line by line."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "biomax.platform.concise"

    def __init__(self) -> None:
        super().__init__()
        self._started = time.monotonic()
        self._phases: list[tuple[str, float]] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Note when a phase begins."""
        self._phases.append((play.get_name().strip() or "unnamed play", time.monotonic()))
        super().v2_playbook_on_play_start(play)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Print the steps of a plan, or what the default prints."""
        data = result.result
        if not has_plan(data):
            super().v2_runner_on_ok(result)
            return
        if not (data.get("changed") or data.get("deferred")) and not self._shows_ok():
            return
        if self._last_task_banner != result.task._uuid:
            self._print_task_banner(result.task)
        self._handle_warnings_and_exception(result)
        host = self.host_label(result)
        color = C.COLOR_CHANGED if data.get("changed") else C.COLOR_OK
        self._display.display(headline(host, data, bool(result.task.check_mode)), color=color)
        for line in plan_lines(data, host, verbose=self._display.verbosity > 0):
            self._display.display(line, color=color)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print the steps that were applied before the failure, then the failure."""
        data = result.result
        if not has_plan(data):
            super().v2_runner_on_failed(result, ignore_errors)
            return
        if self._last_task_banner != result.task._uuid:
            self._print_task_banner(result.task)
        host = self.host_label(result)
        for line in plan_lines({**data, "plan": data.get("applied", [])}, host, verbose=False):
            self._display.display(line, color=C.COLOR_CHANGED)
        for key in ("plan", "applied", "resources"):
            data.pop(key, None)
        super().v2_runner_on_failed(result, ignore_errors)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the time of each phase, then the recap."""
        now = time.monotonic()
        ends = [start for _, start in self._phases[1:]] + [now]
        rows = [(name, end - start) for (name, start), end in zip(self._phases, ends, strict=True)]
        self._display.banner("PHASES")
        for name, seconds in rows:
            if seconds >= _SHOWN_SECONDS:
                self._display.display(f"{seconds:8.1f} s  {name}")
        self._display.display(f"{now - self._started:8.1f} s  in all")
        super().v2_playbook_on_stats(stats)

    def _shows_ok(self) -> bool:
        return bool(self.get_option("display_ok_hosts"))


def has_plan(data: Mapping[str, Any]) -> bool:
    """Return whether a result carries a plan: a list of steps, each with an action and a name."""
    plan = data.get("plan")
    return isinstance(plan, list) and all(
        isinstance(step, Mapping) and "action" in step and "name" in step for step in plan
    )


def headline(host: str, data: Mapping[str, Any], check: bool) -> str:
    """Return the first line for a host."""
    steps = [step for step in data["plan"] if step.get("changes", True)]
    count = f"{len(steps)} step{'' if len(steps) == 1 else 's'}"
    if data.get("deferred"):
        return f"deferred: [{host}] {count}, would touch {', '.join(data.get('disruptive', []))}"
    if data.get("changed"):
        return f"{'would change' if check else 'changed'}: [{host}] {count}"
    known = data.get("resources")
    return f"ok: [{host}]" + (f" {len(known)} resources as declared" if known else "")


def plan_lines(data: Mapping[str, Any], host: str, verbose: bool) -> Iterator[str]:
    """Yield a line for each step; with `verbose` also for each resource without one."""
    for step in data["plan"]:
        owner = step.get("role") or step.get("component") or ""
        what = " ".join(str(step[key]) for key in ("action", "kind", "name") if step.get(key))
        detail = f" ({step['detail']})" if step.get("detail") else ""
        yield f"  {host}  {owner}: {what}{detail}" if owner else f"  {host}  {what}{detail}"
    for row in data.get("resources", []) if verbose else []:
        if row.get("status") == "ok":
            yield f"  {host}  {row.get('role', '')}: ok {row.get('kind', '')} {row['name']}"

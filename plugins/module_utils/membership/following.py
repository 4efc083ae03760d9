# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of a job: ask, show what is new, ask again until it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Result = dict[str, Any]


def follow(ask: Callable[[int], Result], show: Callable[[str], None]) -> Result:
    """Ask a module for a running job until it has ended.

    Args:
        ask: Calls the module with the offset in the job's log; the module waits for some seconds.
        show: Prints a line for the operator.

    Returns:
        The first result that is not ``running``; ``changed`` if any was, without ``progress``.
    """
    changed, offset = False, 0
    while True:
        result = ask(offset)
        for line in result.pop("progress", []):
            show(str(line))
        changed = changed or bool(result.get("changed"))
        if result.get("failed") or result.get("unreachable") or not result.pop("running", False):
            if not result.get("failed") and not result.get("unreachable"):
                result["changed"] = changed
            return result
        offset = int(result.pop("offset", offset))

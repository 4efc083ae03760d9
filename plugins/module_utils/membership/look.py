# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a host's membership, after jobs that run there and with time for a starting member."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.membership import job, locking
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.observe import (
    Question,
    observe,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import node_spec

FOLLOW_SECONDS = 8.0
SETTLE_POLL_SECONDS = 1.0


def question_spec() -> dict[str, Any]:
    """Return the arguments of a look, as Ansible's argument specification."""
    return {
        "node": {"type": "dict", "required": True, "options": node_spec()},
        "control_planes": {"type": "list", "elements": "dict", "required": True},
        "endpoint": {"type": "str", "required": True},
        "endpoint_port": {"type": "int", "default": 8443},
        "backend_port": {"type": "int", "default": 6443},
        "settle_seconds": {"type": "int", "default": 60},
    }


def look(params: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """Wait for a running job, then look.

    Args:
        params: Arguments as in `question_spec`, and ``offset`` in the log of a running job.
        layout: Paths of the host.

    Returns:
        ``running``; of a running job ``progress`` and the next ``offset``; else ``observation``.

    Raises:
        PlatformError: Our own ledger on the host is damaged.
    """
    if locking.is_locked(layout):
        progress = job.follow(layout, params["offset"], FOLLOW_SECONDS)
        if progress.running:
            return {
                "running": True,
                "progress": list(progress.lines),
                "offset": progress.offset,
                "observation": {},
            }
    question = _question(params)
    return {"running": False, "observation": _settled(layout, question, params["settle_seconds"])}


def look_at_rest(params: Mapping[str, Any], layout: Layout) -> dict[str, Any]:
    """Look once, without waiting for anything.

    Args:
        params: Arguments as in `question_spec`.
        layout: Paths of the host.

    Returns:
        The observation; empty while a job runs on the host, and of a member that is starting.

    Raises:
        PlatformError: Our own ledger on the host is damaged.
    """
    found = observe(layout, _question(params))
    return {} if found["running"] or _starting(found) else found


def _question(params: Mapping[str, Any]) -> Question:
    return Question(
        name=params["node"]["name"],
        address=params["node"]["address"],
        role=params["node"]["role"],
        peers={entry["name"]: entry["address"] for entry in params["control_planes"]},
        endpoint=params["endpoint"],
        endpoint_port=params["endpoint_port"],
        backend_port=params["backend_port"],
    )


def _settled(layout: Layout, question: Question, seconds: float) -> dict[str, Any]:
    """Look until a member that is starting has settled, or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = observe(layout, question)
        if not _starting(found) or time.monotonic() >= deadline:
            return found
        time.sleep(SETTLE_POLL_SECONDS)


def _starting(found: Mapping[str, Any]) -> bool:
    """Whether this is a finished member that does not serve (yet)."""
    if not found["record"] or found["intent"]:
        return False
    if found["role"] == "control_plane":
        return not found["api_ready"]
    return bool(found["node"]["state"] == "unknown")

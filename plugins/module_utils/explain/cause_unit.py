# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit does not start or is not ready; its own journal says why."""

from __future__ import annotations

import re

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    Cause,
    Failure,
    Site,
)

_UNIT = re.compile(r"`systemctl \w+ (\S+?)`|\b([\w@.-]+\.service) was not ready")
_BAD = re.compile(r"\b(?:error|fatal|panic|alert|emerg|failed|cannot|denied|invalid)\b", re.I)
_SYSTEMD = re.compile(
    r"systemd|Main process exited|Failed with result|Failed to start|^Started |^Stopped "
)


def look(failure: Failure, site: Site) -> Cause | None:  # noqa: ARG001 - one form for all families
    """Return the cause when a step of a unit failed."""
    found = _UNIT.search(failure.text)
    if not found:
        return None
    name = found.group(1) or found.group(2)
    rows = [row for row in failure.evidence.get("units", ()) if row["name"] == name]
    journal = [line for row in rows for line in row["journal"] if not _SYSTEMD.search(line)]
    reason = next((line for line in journal if _BAD.search(line)), journal[-1] if journal else "")
    state = f" ({rows[0]['state']})" if rows else ""
    return Cause(
        f"unit {name} did not start{state}: {reason or failure.text[:300]}",
        failure.host,
        f"journalctl -u {name} -n 50 --no-pager",
        "Cure what its journal says (a wrong value in its configuration comes from the inventory),"
        " then run the same command again; the restart is remembered.",
    )

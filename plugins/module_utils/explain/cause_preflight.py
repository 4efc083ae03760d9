# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight found before anything was touched."""

from __future__ import annotations

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
)

# A host that does not answer hides what else is wrong on it; the rest is in preflight's own order.
_FIRST = ("reachable", "clock", "disk", "variables")


def look(failure: Failure, site: Site) -> Cause | None:
    """Return the finding that stands behind the others."""
    stops = [row for row in failure.findings if row.get("level") == "stop"] or [*failure.findings]
    if not stops:
        return None
    ranked = sorted(stops, key=lambda row: _rank(str(row.get("check", ""))))
    first, others = ranked[0], len(ranked) - 1
    host = str(first.get("host", "")).strip("()")
    more = f" ({others} more on preflight's page above)" if others else ""
    return Cause(
        f"{first.get('id', first.get('check'))}: {first.get('found')}{more}",
        CONTROLLER if host == "site" else host,
        f"ansible-playbook playbooks/preflight.yml -i {site.inventory}",
        str(first.get("action", "")),
    )


def _rank(check: str) -> int:
    return _FIRST.index(check) if check in _FIRST else len(_FIRST)

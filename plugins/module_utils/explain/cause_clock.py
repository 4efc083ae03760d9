# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock is wrong, so certificates and signatures seem not yet valid or expired."""

from __future__ import annotations

import re

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    Cause,
    Failure,
    Site,
)

_TIMED = re.compile(
    r"not yet valid|not valid yet|not valid until|has expired|is expired|expired or is not yet"
    r"|current time \S+ is (?:before|after)",
    re.I,
)
_SECONDS = 60.0  # less than that no certificate minds
_UNITS = ((86400, "days"), (3600, "hours"), (60, "minutes"))


def look(failure: Failure, site: Site) -> Cause | None:  # noqa: ARG001 - one form for all families
    """Return the cause when a validity in time failed on a host whose clock is not ours."""
    if abs(failure.clock_ahead) < _SECONDS or not _TIMED.search(failure.told):
        return None
    way = "ahead of" if failure.clock_ahead > 0 else "behind"
    return Cause(
        f"its clock is {_amount(abs(failure.clock_ahead))} {way} the controller's, so a"
        " certificate or signature seems not to be valid",
        failure.host,
        "date -u",
        "See that its time servers answer (`chronyc -n sources`), set the clock (`chronyc"
        " makestep`), then run the same command again. If the controller's clock is the wrong"
        " one, set that.",
    )


def _amount(seconds: float) -> str:
    for unit, name in _UNITS:
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} seconds"

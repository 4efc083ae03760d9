# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port is taken by another program."""

from __future__ import annotations

import re

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    Cause,
    Failure,
    Site,
    line_with,
)

_TAKEN = re.compile(r"address already in use|is in use|port \d+ taken", re.I)
_PORTS = (
    re.compile(r"[Pp]ort[ -](\d{2,5})\b"),
    re.compile(r"[:\]](\d{2,5})\b"),
)


def look(failure: Failure, site: Site) -> Cause | None:  # noqa: ARG001 - one form for all families
    """Return the cause when something could not listen."""
    if not _TAKEN.search(failure.told):
        return None
    line = line_with(failure.told, _TAKEN)
    held = {row["port"]: row["program"] for row in failure.evidence.get("ports", ())}
    whole = line_with(failure.told, _TAKEN, longest=10_000)
    named = [int(port) for pattern in _PORTS for port in pattern.findall(whole)]
    port = next((number for number in named if number in held), named[0] if named else 0)
    program = held.get(port, "")
    by = f"by {program}" if program else "by another program"
    if not port:
        return Cause(
            f"a port is taken {by}: {line}",
            failure.host,
            "ss -ltnp",
            "Stop the program that holds the port, or change the port in the inventory.",
        )
    return Cause(
        f"port {port} is taken {by}: {line}",
        failure.host,
        f"ss -ltnp 'sport = :{port}'",
        f"Stop {program or 'that program'} (and keep it from starting), or change the port in the"
        " inventory; then run the same command again.",
    )

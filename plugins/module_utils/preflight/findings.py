# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight found, and what it could not look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.biomax.platform.plugins.module_utils.preflight.catalogue import (
    LEVELS,
    STOP,
)

SITE = "(site)"  # stands for the host of a finding that no single host can answer for


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is not as it must be.

    Attributes:
        host: Name of the host, or SITE.
        id: Which finding, as the catalogue lists it.
        found: What was found, and where.
        wanted: What must be there instead.
        action: What to do next.
    """

    host: str
    id: str
    found: str
    wanted: str
    action: str

    def __post_init__(self) -> None:
        """Refuse an id that the catalogue does not list."""
        if self.id not in LEVELS:
            raise ValueError(f"{self.id} is not in the catalogue of findings.")

    @property
    def level(self) -> str:
        """Return STOP, which ends the run before it begins, or WARNING."""
        return LEVELS[self.id]

    @property
    def check(self) -> str:
        """Return the topic: the id up to its slash."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, order=True)
class NotChecked:
    """Something that this run could not look at.

    Attributes:
        host: Name of the host, or SITE.
        what: What was not checked.
        reason: Why, and how it can be.
    """

    host: str
    what: str
    reason: str


def sort_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Order findings: stops first, then by id and host; each stands once."""
    return sorted(set(findings), key=lambda item: (item.level != STOP, item.id, item))


def stops(findings: Iterable[Finding]) -> list[Finding]:
    """Keep the findings that end the run."""
    return [finding for finding in findings if finding.level == STOP]

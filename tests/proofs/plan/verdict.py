"""Sets that must be equal, and words for what is in one and not in the other."""

from __future__ import annotations

from collections.abc import Iterable


def unequal(what: str, wanted: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return a line for each side of a difference; [] when both sets are equal.

    Args:
        what: what the sets are of.
        wanted: what had to be there.
        found: what is there.
    """
    wanted, found = set(wanted), set(found)
    lines = []
    if wanted - found:
        lines.append(f"{what}, missing: {'; '.join(sorted(wanted - found))}")
    if found - wanted:
        lines.append(f"{what}, too many: {'; '.join(sorted(found - wanted))}")
    return lines

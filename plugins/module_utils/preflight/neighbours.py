# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths a host probes: few, and together enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence

FARTHEST = 5  # hosts whose failure domain is looked up at most


def neighbours(ring: Sequence[str], host: str, domain_of: Callable[[str], str]) -> list[str]:
    """Choose the peers that a host probes.

    Every host probes the next one of the ring, so each network card is tried in both roles, and the
    next one of another failure domain, so the lines between racks are tried from every host. That
    is two for each host instead of one for each pair; the mirror comes on top.

    Args:
        ring: All present hosts of the cluster, in inventory order.
        host: Name of the host.
        domain_of: Returns the failure domain of a host; it is asked as rarely as possible.

    Returns:
        One or two names; none for a host that is not in the ring or is alone in it.
    """
    if host not in ring or len(ring) < 2:
        return []
    start = ring.index(host)
    others = [*ring[start + 1 :], *ring[:start]]
    own = domain_of(host)
    for peer in others[:FARTHEST]:
        if domain_of(peer) != own:
            return list(dict.fromkeys([others[0], peer]))
    return [others[0]]

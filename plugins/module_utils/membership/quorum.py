# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether etcd can do without one member while its host is disturbed.

etcd decides with more than half of its voters, dead ones counted (etcd FAQ, "What is failure
tolerance?"). With every other voter healthy a disturbance is allowed, also where it cannot be
avoided (one or two voters). With another one down it is allowed only when the rest still decide.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.module_utils.membership.etcd import Member

# Units whose restart may take etcd down with it: its container runs in one and is started by the
# other. haproxy and keepalived are disruptive as well, but etcd does not notice.
CARRIERS = frozenset({"containerd.service", "kubelet.service"})


def threatened_by(units: Collection[str]) -> bool:
    """Tell whether restarting `units` may take the host's etcd member down."""
    return not CARRIERS.isdisjoint(units)


def shortage(members: Sequence[Member], node: str) -> list[str]:
    """Name the silent voters that make a disturbance of `node` cost the quorum.

    Args:
        members: All members with their health.
        node: Name of the member that is to be disturbed.

    Returns:
        Names of the other voters that do not answer; empty when the rest would still decide.
    """
    voters = [member for member in members if member.voter]
    others = [member for member in voters if member.name != node]
    silent = [member.name or member.peer_address for member in others if not member.healthy]
    left, needed = len(others) - len(silent), len(voters) // 2 + 1
    return silent if silent and left < needed else []


def explain(silent: Sequence[str], members: Sequence[Member], node: str) -> str:
    """Say in one sentence what a disturbance of `node` would cost."""
    voters = [member.name for member in members if member.voter]
    left = len(voters) - len(silent) - (node in voters)
    return (
        f"etcd member {', '.join(silent)} does not answer; without {node}"
        f" {left} of {len(voters)} voters would be left, and {len(voters) // 2 + 1} must decide"
    )


def check_expected(silent: Sequence[str], expected: Collection[str], reason: str) -> None:
    """Refuse at once when a silent voter is not expected back.

    Args:
        silent: Names of the voters that do not answer.
        expected: Names of the control planes that the inventory counts as living.
        reason: What :func:`explain` said.

    Raises:
        UnsafeError: Waiting would not help.
    """
    dead = [name for name in silent if name not in expected]
    if dead:
        raise UnsafeError(
            f"Refused, since the cluster would lose its quorum: {reason}. Nothing was changed on"
            f" this host. Bring {', '.join(dead)} back and take it out of group absent, or replace"
            " it, then run again; changes that restart neither containerd nor kubelet go through."
        )

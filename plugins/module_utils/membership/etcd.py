# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The etcd cluster as its members see it, through etcd's own JSON gateway on the client port.

Source: etcd documentation, "gRPC gateway" (/v3/cluster/member/list, /v3/cluster/member/remove) and
"Monitoring" (/health). 64-bit numbers come as text, fields with zero values are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.module_utils.membership.https import (
    Server,
    Unanswered,
    trusting,
)

CLIENT_PORT = 2379  # etcd's registered port; kubeadm uses it for every member
HEALTH_SECONDS = 3.0


@dataclass(frozen=True)
class Member:
    """A member of the etcd cluster.

    Args:
        id: Number of the member, decimal.
        name: Node name; empty for a member that was announced and has never started.
        peer_address: Address that other members use.
        client_address: Address for clients; empty when it has never started.
        learner: It gets the data and has no vote.
        healthy: It answered that it serves linearizable requests.
    """

    id: str
    name: str
    peer_address: str
    client_address: str
    learner: bool
    healthy: bool = False

    @property
    def voter(self) -> bool:
        """Whether the member counts for the quorum."""
        return not self.learner

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def parse_members(reply: dict[str, Any]) -> list[Member]:
    """Read the answer of ``/v3/cluster/member/list``; members in the order of their names."""
    members = [
        Member(
            id=str(entry["ID"]),
            name=str(entry.get("name", "")),
            peer_address=_address(entry.get("peerURLs", [])),
            client_address=_address(entry.get("clientURLs", [])),
            learner=bool(entry.get("isLearner", False)),
        )
        for entry in reply.get("members", [])
    ]
    return sorted(members, key=lambda member: (member.name, member.peer_address))


def problems(members: Iterable[Member]) -> list[str]:
    """Say what keeps the etcd cluster from being whole: learners, unstarted and silent members."""
    found = []
    for member in members:
        label = member.name or member.peer_address
        if member.learner:
            found.append(f"etcd member {label} is a learner")
        elif not member.name:
            found.append(f"etcd member {label} was announced and never started")
        elif not member.healthy:
            found.append(f"etcd member {label} is not healthy")
    return found


def check_removal(members: Sequence[Member], target: Member) -> None:
    """Refuse to remove a member when what stays could not decide.

    Args:
        members: All members with their health.
        target: The one to remove; a learner has no vote and is always safe.

    Raises:
        UnsafeError: Not every other voter is healthy, or none would stay.
    """
    if target.learner:
        return
    others = [member for member in members if member.voter and member.id != target.id]
    silent = [member.name or member.peer_address for member in others if not member.healthy]
    if not others or silent:
        raise UnsafeError(
            f"Refused to remove etcd member {target.name or target.peer_address}:"
            f" of the {len(others)} voters that would stay"
            f" {', '.join(silent) or 'none'} is unhealthy or missing, so the quorum is at risk."
            " Bring the other members back first."
        )


class EtcdClient:
    """Asks one member, with the client certificate that kubeadm made for health checks.

    Args:
        pki: Directory ``/etc/kubernetes/pki``.
        address: Address of the member.

    Raises:
        Unanswered: The certificates are missing or damaged.
    """

    def __init__(self, pki: Path, address: str = "127.0.0.1") -> None:
        names = ("etcd/ca.crt", "etcd/healthcheck-client.crt", "etcd/healthcheck-client.key")
        try:
            texts = [(pki / name).read_text(encoding="ascii") for name in names]
        except (OSError, UnicodeDecodeError) as error:
            raise Unanswered(f"Cannot read etcd's client certificate: {error}.") from error
        self._context = trusting(*texts)
        self._address = address

    def members(self) -> list[Member]:
        """List the members and ask each for its health.

        Raises:
            Unanswered: The member does not answer or the cluster has no quorum.
        """
        reply = self._post("/v3/cluster/member/list", {"linearizable": True})
        return [self._with_health(member) for member in parse_members(reply)]

    def remove(self, member: Member) -> None:
        """Remove a member from the cluster.

        Raises:
            Unanswered: etcd refused or does not answer.
        """
        self._post("/v3/cluster/member/remove", {"ID": member.id})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        server = Server(self._address, CLIENT_PORT, self._context)
        reply = server.ask(path, "POST", body)
        if reply.status != 200:
            raise Unanswered(f"etcd {self._address}{path}: HTTP {reply.status} {reply.body[:200]}")
        return reply.json()

    def _with_health(self, member: Member) -> Member:
        if not member.client_address:
            return member
        server = Server(member.client_address, CLIENT_PORT, self._context, HEALTH_SECONDS)
        try:
            reply = server.ask("/health")
        except Unanswered:
            return member
        healthy = reply.status == 200 and reply.json().get("health") == "true"
        return Member(**{**asdict(member), "healthy": healthy})


def _address(urls: Sequence[str]) -> str:
    return urlsplit(urls[0]).hostname or "" if urls else ""

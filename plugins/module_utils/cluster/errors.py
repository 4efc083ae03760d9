# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the cluster layer: what the API server said, on which object, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError


class ClusterError(PlatformError):
    """The API server refused or failed a request."""


class UnreachableError(ClusterError):
    """No answer from the API server: there is no cluster, or no way to it."""


class MissingError(ClusterError):
    """The object, its namespace or its kind does not exist (404)."""


class BusyError(ClusterError):
    """The API server asks to come back later (429, 503, etcd without a leader)."""


class PartialError(ClusterError):
    """A run ended in the middle; what it had applied stays and is part of the report."""

    def __init__(
        self,
        message: str,
        planned: Sequence[Mapping[str, str]],
        applied: Sequence[Mapping[str, str]],
    ) -> None:
        super().__init__(message)
        self.planned = [dict(row) for row in planned]
        self.applied = [dict(row) for row in applied]


@dataclass(frozen=True)
class FieldConflict:
    """One field that another manager owns."""

    manager: str
    field: str

    @property
    def by_hand(self) -> bool:
        """Tell whether a person set the field with kubectl.

        Its commands call themselves kubectl-edit, kubectl-patch, kubectl-client-side-apply and so
        on; server-side apply and older commands are plain kubectl (kubectl 1.36, --field-manager).
        """
        return self.manager.partition("-")[0] == "kubectl"


class ConflictError(ClusterError):
    """Other field managers own fields that the object wants (409)."""

    def __init__(self, message: str, conflicts: Sequence[FieldConflict] = ()) -> None:
        super().__init__(message)
        self.conflicts = tuple(conflicts)


def error_of(what: str, code: int, status: Mapping[str, object]) -> ClusterError:
    """Turn a refusal of the API server into a typed error.

    Args:
        what: What was tried, such as ``apply Deployment kube-system/coredns``.
        code: HTTP status.
        status: The body, a ``Status`` object (it may be anything when a proxy answered).

    Returns:
        The error to raise.
    """
    message = str(status.get("message") or status.get("error") or f"HTTP {code}")
    text = f"Cannot {what}: {message}"
    if code == 404:
        return MissingError(text)
    if code in (429, 503, 504) or (code == 500 and "etcdserver" in message):
        return BusyError(text)
    if code == 409:
        conflicts = _conflicts(status)
        if conflicts:
            owned = "; ".join(f"{c.field} is owned by {c.manager}" for c in conflicts)
            text = (
                f"Cannot {what}: {owned}. Remove the field from the declaration, or let that "
                "manager give it up, or name it in platform_take_over to take its fields."
            )
        return ConflictError(text, conflicts)
    # Where anonymous requests are allowed, one with an ended certificate is taken for anonymous.
    if code == 401 or (code == 403 and "system:anonymous" in message):
        return ClusterError(
            f"{text}. The kubeconfig's certificate may have ended: "
            "playbooks/form_cluster.yml renews it."
        )
    return ClusterError(text)


def _conflicts(status: Mapping[str, object]) -> list[FieldConflict]:
    """Read the causes; the manager stands in quotes in the message (kube-apiserver 1.36)."""
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    found = []
    for cause in causes if isinstance(causes, Sequence) else ():
        if isinstance(cause, Mapping) and cause.get("reason") == "FieldManagerConflict":
            quoted = str(cause.get("message", "")).split('"')
            manager = quoted[1] if len(quoted) > 2 else "another manager"
            found.append(FieldConflict(manager=manager, field=str(cause.get("field", "?"))))
    return found

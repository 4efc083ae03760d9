"""A mutation of the cluster, and what a run must then do because of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient

EDITOR = "kubectl-edit"  # what a person changes is brought back

Act = Callable[[KubeClient], Any]


@dataclass(frozen=True)
class Mutation:
    """One change at the API server.

    Attributes:
        kind: `object`, `label`, `taint`, or `outside` for what no run may touch.
        what: what is done, for people.
        act: does it.
        item: the object that changes, as `Kind namespace/name`.
        action: what a run must do with it; empty for nothing.
        claims: names that no other mutation of the round may claim.
        leaves: whether the object stays changed for good.
    """

    kind: str
    what: str
    act: Act
    item: str
    action: str
    claims: frozenset[str]
    leaves: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.item} {self.what}"

    @property
    def step(self) -> str:
        """The step of the plan, as `action Kind name`; empty for none."""
        return f"{self.action} {self.item}" if self.action else ""

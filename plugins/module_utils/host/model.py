# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the engine: a declared resource, a step of a plan, what an apply needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.module_utils.host.source import BundleSource
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Resource:
    """One declaration: `args` has the keys of its kind with defaults filled in.

    `position` counts all resources of a call; `role` declared it.
    """

    role: str
    kind: str
    name: str
    args: Mapping[str, Any]
    position: int

    @property
    def restarts(self) -> tuple[str, ...]:
        """Units to restart when this resource changes."""
        return tuple(self.args.get("restarts") or ())

    @property
    def reloads(self) -> tuple[str, ...]:
        """Units to reload when this resource changes."""
        return tuple(self.args.get("reloads") or ())


@dataclass(frozen=True)
class Step:
    """One act of a plan.

    Attributes:
        action: a verb, shown to the operator.
        detail: what exactly, in a few words.
        known_after: the earlier resource that decides the details, or "".
        changes: False for a step that only waits.
        diff: before and after for `--diff`, or None.
        paths: files the step makes, replaces or removes.
        needs_bytes: file system path and bytes that will be written there.
        data: what the kind needs to apply the step.
        derived: what it will do could not be looked up, so it needs an approval of its own.
        declared: sum of the declaration behind the step.
        observed: what the host had, in words; contents as sums.
    """

    role: str
    kind: str
    name: str
    action: str
    detail: str = ""
    position: int = 0
    restarts: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ()
    known_after: str = ""
    changes: bool = True
    diff: Mapping[str, str] | None = None
    paths: tuple[str, ...] = ()
    needs_bytes: tuple[str, int] | None = None
    data: Mapping[str, Any] = field(default_factory=dict, compare=False)
    derived: bool = False
    declared: str = field(default="", compare=False)
    observed: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def report(self) -> dict[str, Any]:
        """Return the step as the module's result shows it."""
        detail = self.detail
        if self.known_after:
            detail = f"{detail}, known after {self.known_after}".lstrip(", ")
        return {
            "role": self.role,
            "kind": self.kind,
            "name": self.name,
            "action": self.action,
            "detail": detail,
            "restarts": [*self.restarts],
            "changes": self.changes,
            "derived": self.derived,
            "declared": self.declared,
            "observed": dict(self.observed),
        }


def step_of(resource: Resource, action: str, **more: Any) -> Step:
    """Return a step for `resource` that carries its restarts; `more` are fields of Step."""
    return Step(
        role=resource.role,
        kind=resource.kind,
        name=more.pop("name", resource.name),
        action=action,
        position=resource.position,
        restarts=resource.restarts,
        reloads=resource.reloads,
        **more,
    )


def with_parents(missing: Sequence[str], earlier: Sequence[Step]) -> str:
    """Return the words for the outermost of the `missing` directories that no step makes."""
    made = {step.name for step in earlier}
    new = [p for p in missing if p not in made and not any(n.startswith(f"{p}/") for n in made)]
    return f"with {new[0]}" if new else ""


@dataclass
class Context:
    """What kinds work with: the host, its hash cache and where artifacts come from."""

    host: Host
    hashes: Hashes
    source: BundleSource


class Kind(ABC, Generic[Seen]):
    """One kind of resource: look at all resources of it at once, plan each, apply a step."""

    name: str

    @abstractmethod
    def observe(self, context: Context, resources: Sequence[Resource]) -> Seen:
        """Return what the host has; reads only."""

    @abstractmethod
    def plan(self, resource: Resource, seen: Seen, earlier: Sequence[Step]) -> list[Step]:
        """Return the steps that make `resource` true; pure.

        `earlier` are the steps already planned in this call, which may decide details.
        """

    @abstractmethod
    def evidence(self, resource: Resource, seen: Seen) -> dict[str, Any]:
        """Return what of `seen` decides the plan of `resource`, in words; contents as sums.

        A plan that was approved holds only while this stays the same.
        """

    @abstractmethod
    def apply(self, context: Context, step: Step) -> None:
        """Carry out one step of this kind."""

"""A mutation of a host, and what a run must then do because of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# What no two mutations of one round may do together: a daemon-reload, and the removal of a unit
# file that systemd still has in memory.
RELOADS = "systemd reads its units"


@dataclass(frozen=True)
class Resource:
    """A declaration of a role, rendered for a host."""

    role: str
    kind: str
    name: str
    args: Mapping[str, Any]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Resource:
        """Read a row of tests.support.render_roles."""
        return cls(row["role"], row["kind"], row["name"], row["args"])


@dataclass(frozen=True)
class Mutation:
    """One change of a host's live state.

    Attributes:
        kind: kind of the resource that it moves; `outside` when no role declares what it moves.
        what: what is done, for people.
        script: shell commands that do it.
        steps: steps that a run must then have, as `action kind name`.
        effects: items of a survey that it changes.
        restarts: units that the resource restarts.
        reloads: units that the resource reloads.
        claims: names that no other mutation of the round may claim.
        reads_units: systemd must read its units again.
        leaves: items that stay changed for good.
        early: it needs the package source, so it is done before that may be moved.
    """

    kind: str
    what: str
    script: str
    steps: frozenset[str]
    effects: frozenset[str]
    restarts: tuple[str, ...] = ()
    reloads: tuple[str, ...] = ()
    claims: frozenset[str] = frozenset()
    reads_units: bool = False
    leaves: frozenset[str] = frozenset()
    early: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}"

    def with_steps(self, *steps: str) -> Mutation:
        """Return it with exactly these steps."""
        return replace(self, steps=frozenset(steps))

    def and_moves(self, items: Iterable[str], claims: Iterable[str]) -> Mutation:
        """Return it with further items that it changes and names that it claims."""
        effects, names = self.effects.union(items), self.claims.union(claims)
        return replace(self, effects=effects, claims=names)


def moved(
    resource: Resource,
    what: str,
    script: str,
    actions: Iterable[str],
    effects: Iterable[str],
    **more: Any,
) -> Mutation:
    """Return a mutation of `resource` that a run answers with `actions`; `more` are fields."""
    claims = {f"{resource.kind} {resource.name}", *more.pop("claims", ())}
    made = Mutation(
        resource.kind,
        f"{resource.name}: {what}",
        script,
        frozenset(f"{action} {resource.kind} {resource.name}" for action in actions),
        frozenset(effects),
        restarts=tuple(resource.args.get("restarts") or ()),
        reloads=tuple(resource.args.get("reloads") or ()),
        claims=frozenset(claims),
    )
    return replace(made, **more)


def quoted(path: str) -> str:
    """Return a path for a shell script."""
    return shlex.quote(path)

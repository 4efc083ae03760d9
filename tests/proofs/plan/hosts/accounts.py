"""Mutations of accounts."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proofs.plan.hosts.mutation import Mutation, Resource, moved


def user_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to a declared account."""
    name, item = resource.name, f"user {resource.name}"
    yield moved(resource, "another shell", f"usermod --shell /bin/sh {name}", ["change"], [item])
    yield moved(resource, "another home", f"usermod --home /nowhere {name}", ["change"], [item])
    for group in resource.args.get("groups") or ():
        script = f"gpasswd --delete {name} {group}"
        yield moved(resource, f"out of {group}", script, ["change"], [f"group {group}"])

"""Mutations of what no role declares: a plan that mentions them would be wrong."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proofs.plan.hosts.mutation import Mutation

OUTSIDE = "outside"


def outside_mutations() -> Iterator[Mutation]:
    """Yield changes that a run must leave alone."""
    yield _left_alone("/etc/issue", "echo '# moved' >> /etc/issue")
    yield _left_alone(
        "/etc/apt/apt.conf.d/99operator", "date +//%N >> /etc/apt/apt.conf.d/99operator"
    )
    yield _left_alone(
        "/etc/sysctl.d/50-operator.conf", "date +#%N >> /etc/sysctl.d/50-operator.conf"
    )
    yield _left_alone("/root/notes", "date +%N >> /root/notes")


def _left_alone(path: str, script: str) -> Mutation:
    item = frozenset({f"file {path}"})
    claim = frozenset({path})
    return Mutation(OUTSIDE, path, script, frozenset(), item, claims=claim, leaves=item)

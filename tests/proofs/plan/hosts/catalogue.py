"""Every mutation that a host's own declarations allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tests.proofs.plan.hosts.accounts import user_mutations
from tests.proofs.plan.hosts.files import (
    directory_mutations,
    file_mutations,
    symlink_mutations,
)
from tests.proofs.plan.hosts.kernel import module_mutations, swap_mutations, sysctl_mutations
from tests.proofs.plan.hosts.mutation import Mutation, Resource
from tests.proofs.plan.hosts.outside import OUTSIDE, outside_mutations
from tests.proofs.plan.hosts.packages import package_mutations
from tests.proofs.plan.hosts.programs import program_mutations
from tests.proofs.plan.hosts.units import unit_mutations

OF_KIND: Mapping[str, Callable[[Resource], Iterator[Mutation]]] = {
    "file": file_mutations,
    "directory": directory_mutations,
    "symlink": symlink_mutations,
    "packages": package_mutations,
    "artifact": program_mutations,
    "unit": unit_mutations,
    "sysctl": sysctl_mutations,
    "kernel_modules": module_mutations,
    "swap": swap_mutations,
    "user": user_mutations,
}


def catalogue(resources: Sequence[Resource]) -> dict[str, list[Mutation]]:
    """Return the mutations by kind; of paths those of modes and owners apart, as `attributes`."""
    found: dict[str, list[Mutation]] = {OUTSIDE: list(outside_mutations())}
    for resource in resources:
        for mutation in OF_KIND[resource.kind](resource):
            adjusts = {step.split()[0] for step in mutation.steps} == {"adjust"}
            found.setdefault("attributes" if adjusts else resource.kind, []).append(mutation)
    return found

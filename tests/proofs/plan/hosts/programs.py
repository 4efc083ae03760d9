"""Mutations of programs that come from the bundle."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proofs.plan.hosts.files import leftover
from tests.proofs.plan.hosts.mutation import Mutation, Resource, moved

# Of archives: one member, so that the rest stays as it is.
_MEMBERS = {"containerd": "ctr", "cni-plugins": "portmap"}


def program_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to a program; it may run, so it is replaced and not written to."""
    name = _MEMBERS.get(resource.name) or resource.args.get("install_as") or resource.name
    path = f"{resource.args['dest']}/{name}"
    item = [f"file {path}"]
    copied = f"cp -p {path} {path}.moved"
    replaced = f"{copied}; echo x >> {path}.moved; mv {path}.moved {path}"
    flipped = (
        f"{copied}; printf X | dd of={path}.moved bs=1 seek=4096 conv=notrunc status=none; "
        f"mv {path}.moved {path}"
    )
    yield moved(resource, f"{name} longer", replaced, ["replace"], item)
    yield moved(resource, f"{name} with another byte", flipped, ["replace"], item)
    yield moved(resource, f"{name} gone", f"rm {path}", ["install"], item)
    yield moved(resource, f"{name} with another mode", f"chmod 0701 {path}", ["adjust"], item)
    yield moved(resource, f"{name} of another owner", f"chown 65534 {path}", ["adjust"], item)
    yield leftover(resource, path, "adjust")

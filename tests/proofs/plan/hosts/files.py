"""Mutations of what lies in the file tree: files, directories, symlinks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.proofs.plan.hosts.mutation import RELOADS, Mutation, Resource, moved, quoted

# systemd.unit(5); fstab(5) is turned into units as well.
_UNIT_FILE = re.compile(r"^/(etc|usr/lib|usr/local/lib|run)/systemd/system/.+")


def file_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to a declared file."""
    path, item = resource.name, f"file {resource.name}"
    if resource.args.get("state") == "absent":
        yield moved(resource, "it is there", f"echo stray > {quoted(path)}", ["remove"], [item])
        return
    p, unit = quoted(path), bool(_UNIT_FILE.match(path))
    yield moved(
        resource, "a line more", f"echo '# moved' >> {p}", ["change"], [item], reads_units=unit
    )
    yield moved(resource, "empty", f": > {p}", ["change"], [item], reads_units=unit)
    yield moved(
        resource,
        "another line and another mode",
        f"echo '# moved' >> {p}; chmod 0604 {p}",
        ["change"],
        [item],
        reads_units=unit,
    )
    yield moved(resource, "another mode", f"chmod 0606 {p}", ["adjust"], [item], reads_units=unit)
    yield moved(
        resource, "another owner", f"chown 65534:65534 {p}", ["adjust"], [item], reads_units=unit
    )
    yield moved(
        resource,
        "gone",
        f"rm {p}",
        ["create"],
        [item],
        reads_units=unit,
        claims={RELOADS} if unit else (),
    )
    if not unit:
        yield moved(resource, "a link", f"ln -sfn /etc/debian_version {p}", ["replace"], [item])
    yield leftover(resource, path)


def leftover(resource: Resource, path: str, action: str = "clean") -> Mutation:
    """Return what a cut run leaves: a half-written new version beside the file."""
    place = PurePosixPath(path)
    beside = str(place.with_name(f".{place.name}.biomax-new"))
    script = f"echo half > {quoted(beside)}"
    return moved(resource, "half-written beside it", script, [action], [f"file {beside}"])


def directory_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to a declared directory."""
    path, item = quoted(resource.name), f"file {resource.name}"
    if resource.args.get("state") == "absent":
        yield moved(resource, "it is there", f"mkdir {path}", ["remove"], [item])
        return
    yield moved(resource, "another mode", f"chmod 0717 {path}", ["adjust"], [item])
    yield moved(resource, "another owner", f"chown 65534 {path}", ["adjust"], [item])
    yield moved(resource, "another group", f"chgrp 65534 {path}", ["adjust"], [item])


def symlink_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to a declared symlink."""
    path, item = quoted(resource.name), f"file {resource.name}"
    yield moved(resource, "elsewhere", f"ln -sfn /etc/hostname {path}", ["change"], [item])
    yield moved(resource, "gone", f"rm {path}", ["create"], [item])
    if resource.args.get("force"):
        yield moved(resource, "a file", f"rm {path}; echo x > {path}", ["change"], [item])
    yield leftover(resource, resource.name)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `artifact`: programs of the bundle, verified against its signed index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import sum_of
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.nearest import did_you_mean
from ansible_collections.biomax.platform.plugins.module_utils.host import tree
from ansible_collections.biomax.platform.plugins.module_utils.host.download import (
    Part,
    archive_path,
    install_archive,
    install_binary,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.source import NoIndexError


@dataclass(frozen=True)
class SeenPart:
    """One file of an artifact: its path, what is there, its sum, and a half-written version."""

    part: Part
    found: tree.Found
    sha256: str
    leftover: bool


@dataclass(frozen=True)
class SeenArtifact:
    """An artifact's index entry (None without an index) and its files on the host.

    `archive_left`: its archive lies beside its members, though its removal came after them: that
    removal was cut off, or was not yet on the disk when the power went.
    """

    entry: Entry | None
    parts: tuple[SeenPart, ...]
    owners: tree.Owners
    problem: str = ""
    archive_left: bool = False


class Artifact(Kind[dict[int, SeenArtifact]]):
    """Install files of the bundle's index and keep them as the index says."""

    name = "artifact"

    def observe(self, context: Context, resources: Sequence[Resource]) -> dict[int, SeenArtifact]:
        """Look up each artifact in the index and compare the sums of its files."""
        return {item.position: _see(context, item) for item in resources}

    def plan(
        self, resource: Resource, seen: dict[int, SeenArtifact], earlier: Sequence[Step]
    ) -> list[Step]:
        """Compare sums, mode and owners."""
        now = seen[resource.position]
        if now.entry is None:
            return [_unknown(resource, now, earlier)]
        mode = int(resource.args["mode"], 8)
        wrong, adjust = [], []
        for item in now.parts:
            if item.found.kind in ("directory", "other"):
                raise UnsafeError(
                    f"{item.part.path} (role {resource.role}) belongs to artifact {resource.name} "
                    f"and the host has a {item.found.kind} there. Move it away by hand."
                )
            if item.sha256 != item.part.sha256:
                wrong.append(item)
            elif (
                tree.attribute_changes(item.found, mode, now.owners)
                or item.leftover
                or now.archive_left
            ):
                adjust.append(item)
        if wrong:
            return [_install(resource, now.entry, wrong)]
        return [_adjust(resource, now, adjust)] if adjust else []

    def evidence(self, resource: Resource, seen: dict[int, SeenArtifact]) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        now = seen[resource.position]
        if now.entry is None:
            return {"index": "not known"}
        words: dict[str, Any] = {"index": sum_of(now.entry.sha256)}
        for item in now.parts:
            found = {**tree.evidence(item.found), "leftover": item.leftover}
            if item.sha256:
                found["content"] = f"sha256:{item.sha256[:16]}"
            words |= {f"{item.part.path} {key}": value for key, value in found.items()}
        return words

    def apply(self, context: Context, step: Step) -> None:
        """Carry out one step."""
        args = step.data["args"]
        if step.action == "adjust":
            for path in step.data["paths"]:
                atomic.temporary_path(context.host.at(path)).unlink(missing_ok=True)
                tree.set_attributes(context.host, path, args)
            if step.data["archive"]:
                entry, parts = _entry_and_parts(context, step.name, args)
                archive_path(context.host.at(parts[0].path), entry).unlink(missing_ok=True)
            return
        entry, parts = _entry_and_parts(context, step.name, args, ask_again=True)
        wanted = tree.attributes(context.host, args, parts[0].path)
        tree.make_parents(context.host, parts[0].path)
        install = install_archive if _is_archive(entry) else install_binary
        install(context, entry, parts, wanted)
        for part in parts:
            tree.set_attributes(context.host, part.path, args)
            context.hashes.learn(context.host.at(part.path), part.sha256)


def _is_archive(entry: Entry) -> bool:
    return entry.install.get("type") == "archive"


def _entry_and_parts(
    context: Context, name: str, args: Mapping[str, Any], ask_again: bool = False
) -> tuple[Entry, list[Part]]:
    entry = context.source.index(ask_again).file(name, args.get("version"))
    return entry, _parts(entry, name, args)


def _parts(entry: Entry, name: str, args: Mapping[str, Any]) -> list[Part]:
    """Return the files that `entry` puts into `dest`."""
    dest = str(args["dest"]).rstrip("/")
    if not _is_archive(entry):
        if args.get("members"):
            raise InputError(f"Artifact {name} is a single file; it has no `members`.")
        return [Part("", f"{dest}/{args.get('install_as') or name}", entry.sha256)]
    members: Mapping[str, str] = entry.install.get("members", {})
    wanted = args.get("members") or sorted(members.values())
    by_name = {target: member for member, target in members.items()}
    for target in wanted:
        if target not in by_name or target not in entry.member_sha256:
            raise InputError(
                f"Artifact {name} {entry.version} has no member {target!r}. "
                f"{did_you_mean(target, by_name)}"
            )
    return [Part(by_name[t], f"{dest}/{t}", entry.member_sha256[t]) for t in wanted]


def _see(context: Context, item: Resource) -> SeenArtifact:
    owners = tree.owners(context.host, item.args)
    try:
        entry, parts = _entry_and_parts(context, item.name, item.args)
    except NoIndexError as error:
        return SeenArtifact(None, (), owners, str(error))
    seen = tuple(_see_part(context, part) for part in parts)
    archive = archive_path(context.host.at(parts[0].path), entry)
    return SeenArtifact(entry, seen, owners, archive_left=_is_archive(entry) and archive.exists())


def _see_part(context: Context, part: Part) -> SeenPart:
    found = tree.look(context.host, part.path)
    real = context.host.at(part.path)
    sha256 = context.hashes.sha256(real) if found.kind == "file" else ""
    return SeenPart(part, found, sha256, tree.leftover(context.host, part.path))


def _unknown(resource: Resource, now: SeenArtifact, earlier: Sequence[Step]) -> Step:
    """Plan without an index: the mirror may become reachable by an earlier step."""
    if not earlier:
        raise NoIndexError(now.problem)
    return step_of(
        resource,
        "install",
        detail=f"into {resource.args['dest']}",
        known_after="the mirror answers",
        derived=True,
        data={"args": dict(resource.args)},
    )


def _install(resource: Resource, entry: Entry, wrong: list[SeenPart]) -> Step:
    names = ", ".join(item.part.path for item in wrong)
    fresh = all(item.found.kind == tree.ABSENT for item in wrong)
    factor = 3 if _is_archive(entry) else 1  # room for the archive and its unpacked members
    return step_of(
        resource,
        "install" if fresh else "replace",
        detail=f"{entry.version}: {names}".lstrip(": "),
        paths=tuple(item.part.path for item in wrong),
        needs_bytes=(wrong[0].part.path, entry.size * factor),
        data={"args": dict(resource.args)},
    )


def _adjust(resource: Resource, now: SeenArtifact, adjust: list[SeenPart]) -> Step:
    paths = [item.part.path for item in adjust]
    detail = f"owner, mode or leftovers of {', '.join(paths)}"
    data = {"args": dict(resource.args), "paths": paths, "archive": now.archive_left}
    return step_of(resource, "adjust", detail=detail, data=data)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `directory`: directories with mode and owners; removed only when empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host import tree
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
    with_parents,
)


@dataclass(frozen=True)
class SeenDirectory:
    """A path and, when it is a directory, how many entries it has."""

    found: tree.Found
    entries: int
    owners: tree.Owners
    parents: tuple[str, ...]


class Directory(Kind[dict[str, SeenDirectory]]):
    """Make directories, adjust them, remove empty ones."""

    name = "directory"

    def observe(self, context: Context, resources: Sequence[Resource]) -> dict[str, SeenDirectory]:
        """Look at each declared path; a symlink to a directory counts as what it points to."""
        return {item.name: _see(context, item) for item in resources}

    def plan(
        self, resource: Resource, seen: dict[str, SeenDirectory], earlier: Sequence[Step]
    ) -> list[Step]:
        """Compare existence, mode and owners."""
        now = seen[resource.name]
        absent = resource.args.get("state") == tree.ABSENT
        if now.found.kind not in (tree.ABSENT, "directory"):
            raise UnsafeError(
                f"{resource.name} (role {resource.role}) is declared as a directory and the host "
                f"has a {now.found.kind} there. Move it away by hand after looking into it."
            )
        if absent:
            return _plan_absent(resource, now, earlier)
        mode = int(resource.args["mode"], 8)
        if now.found.kind == tree.ABSENT:
            action, detail = "create", with_parents(now.parents, earlier)
        else:
            changes = tree.attribute_changes(now.found, mode, now.owners)
            if not changes:
                return []
            action, detail = "adjust", ", ".join(changes)
        return [step_of(resource, action, detail=detail, data=dict(resource.args))]

    def evidence(self, resource: Resource, seen: dict[str, SeenDirectory]) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        now = seen[resource.name]
        absent = resource.args.get("state") == tree.ABSENT
        entries = {"entries": now.entries} if absent else {}
        return {**tree.evidence(now.found), **entries, "wanted owner": now.owners.known()}

    def apply(self, context: Context, step: Step) -> None:
        """Carry out one step."""
        real = context.host.at(step.name)
        if step.action == "remove":
            try:
                real.rmdir()
                atomic.sync_directory(real.parent)
            except OSError as error:
                raise PlatformError(f"Removing {step.name}: {error.strerror}.") from error
            return
        if step.action == "create":
            tree.make_parents(context.host, step.name)
            try:
                real.mkdir(mode=0o700, exist_ok=True)
                atomic.sync_directory(real.parent)
            except OSError as error:
                raise atomic.write_error(real, error) from error
        tree.set_attributes(context.host, step.name, step.data, follow=True)


def _see(context: Context, item: Resource) -> SeenDirectory:
    host = context.host
    found = tree.look(host, item.name)
    if found.kind == "symlink" and host.at(item.name).is_dir():
        found = tree.look_at(host.at(item.name).resolve())
    entries = sum(1 for _ in host.at(item.name).iterdir()) if found.kind == "directory" else 0
    absent = item.args.get("state") == tree.ABSENT
    owners = tree.Owners("", "", 0, 0) if absent else tree.owners(host, item.args)
    parents = () if found.kind != tree.ABSENT else tuple(tree.missing_parents(host, item.name))
    return SeenDirectory(found, entries, owners, parents)


def _plan_absent(resource: Resource, now: SeenDirectory, earlier: Sequence[Step]) -> list[Step]:
    if now.found.kind == tree.ABSENT:
        return []
    removed = [step for step in earlier if step.action == "remove" and step.kind != "packages"]
    going = sum(str(PurePosixPath(step.name).parent) == resource.name for step in removed)
    if now.entries > going:
        raise UnsafeError(
            f"{resource.name} (role {resource.role}) is declared absent and holds {now.entries} "
            "entries. Nothing is removed: look into it and empty it by hand."
        )
    return [step_of(resource, "remove", paths=(resource.name,))]

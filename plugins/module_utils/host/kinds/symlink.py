# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `symlink`: symbolic links, replaced atomically."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.module_utils.host import tree
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
)


@dataclass(frozen=True)
class SeenLink:
    """What is at the path, and whether a killed run left its new version beside it."""

    found: tree.Found
    leftover: bool


class Symlink(Kind[dict[str, SeenLink]]):
    """Make and repoint symlinks; a regular file gives way only with `force`."""

    name = "symlink"

    def observe(self, context: Context, resources: Sequence[Resource]) -> dict[str, SeenLink]:
        """Look at each declared path."""
        host = context.host
        return {
            item.name: SeenLink(tree.look(host, item.name), tree.leftover(host, item.name))
            for item in resources
        }

    def plan(
        self,
        resource: Resource,
        seen: dict[str, SeenLink],
        earlier: Sequence[Step],  # noqa: ARG002 - the kinds' common signature
    ) -> list[Step]:
        """Compare the target."""
        now, target = seen[resource.name], str(resource.args["target"])
        found = now.found
        if found.kind == "symlink" and found.target == target:
            if now.leftover:
                return [step_of(resource, "clean", detail="half-made link of a cut run")]
            return []
        replaceable = ("file",) if resource.args.get("force") else ()
        if found.kind not in (tree.ABSENT, "symlink", *replaceable):
            raise UnsafeError(
                f"{resource.name} (role {resource.role}) is declared as a symlink and the host has "
                f"a {found.kind} there. Set `force: true` to replace a file, or move it away."
            )
        action = "create" if found.kind == tree.ABSENT else "change"
        before = f"-> {found.target}" if found.target else f"{found.kind}"
        detail = f"-> {target}" if action == "create" else f"{before} becomes -> {target}"
        return [
            step_of(
                resource, action, detail=detail, paths=(resource.name,), data=dict(resource.args)
            )
        ]

    def evidence(self, resource: Resource, seen: dict[str, SeenLink]) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        now = seen[resource.name]
        return {**tree.evidence(now.found), **({"leftover": True} if now.leftover else {})}

    def apply(self, context: Context, step: Step) -> None:
        """Carry out one step."""
        real = context.host.at(step.name)
        temporary = atomic.temporary_path(real)
        try:
            temporary.unlink(missing_ok=True)
            if step.action == "clean":
                return
            tree.make_parents(context.host, step.name)
            temporary.symlink_to(str(step.data["target"]))
            temporary.replace(real)
            atomic.sync_directory(real.parent)
        except OSError as error:
            raise atomic.write_error(real, error) from error

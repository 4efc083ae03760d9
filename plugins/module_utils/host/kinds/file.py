# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `file`: whole files with content, mode and owners."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
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
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host, tail

_DIFF_LIMIT = 100_000  # bytes; a longer file is shown by its sum
_VALIDATE_SECONDS = 60


@dataclass(frozen=True)
class SeenFile:
    """A path, its present content when it is a file, and what the owners resolve to."""

    found: tree.Found
    content: bytes | None
    owners: tree.Owners
    parents: tuple[str, ...]
    leftover: bool


class File(Kind[dict[str, SeenFile]]):
    """Write, check, replace and remove files; never edit one in place."""

    name = "file"

    def observe(self, context: Context, resources: Sequence[Resource]) -> dict[str, SeenFile]:
        """Read each declared path."""
        return {item.name: _see(context.host, item) for item in resources}

    def plan(
        self, resource: Resource, seen: dict[str, SeenFile], earlier: Sequence[Step]
    ) -> list[Step]:
        """Compare content, mode and owners."""
        now = seen[resource.name]
        if now.found.kind in ("directory", "other"):
            raise UnsafeError(
                f"{resource.name} (role {resource.role}) is declared as a file and the host has a "
                f"{now.found.kind} there. Move it away by hand after looking into it."
            )
        if resource.args.get("state") == tree.ABSENT:
            return _plan_absent(resource, now)
        wanted = str(resource.args["content"]).encode()
        changes = tree.attribute_changes(now.found, int(resource.args["mode"], 8), now.owners)
        new_content = now.content != wanted
        if not new_content and not changes:
            return [step_of(resource, "clean", detail=_LEFTOVER)] if now.leftover else []
        action, detail = _describe(now, new_content, changes, earlier)
        unknown = next((key for key in ("uid", "gid") if getattr(now.owners, key) is None), None)
        return [
            step_of(
                resource,
                action,
                detail=detail,
                known_after=_owner_source(now, earlier) if unknown else "",
                diff=_diff(resource, now.content, wanted),
                paths=(resource.name,),
                needs_bytes=(resource.name, len(wanted)) if new_content else None,
                data=dict(resource.args),
            )
        ]

    def evidence(self, resource: Resource, seen: dict[str, SeenFile]) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        now = seen[resource.name]
        words = {**tree.evidence(now.found, now.content), "wanted owner": now.owners.known()}
        return {**words, "leftover": True} if now.leftover else words

    def apply(self, context: Context, step: Step) -> None:
        """Carry out one step."""
        host = context.host
        if step.action == "clean":
            atomic.temporary_path(host.at(step.name)).unlink(missing_ok=True)
        elif step.action == "remove":
            tree.remove(host, [step.name])
        elif step.action == "adjust":
            tree.set_attributes(host, step.name, step.data)
        else:
            tree.make_parents(host, step.name)
            wanted = tree.attributes(host, step.data, step.name)
            content = str(step.data["content"]).encode()
            argv = step.data.get("validate")
            check = None if not argv else lambda path: _validate(host, step.name, argv, path)
            atomic.write_file(host.at(step.name), content, wanted, check)


_LEFTOVER = "half-written file of a cut run"


def _see(host: Host, item: Resource) -> SeenFile:
    found = tree.look(host, item.name)
    content = host.read(item.name) if found.kind == "file" else None
    absent = item.args.get("state") == tree.ABSENT
    owners = tree.Owners("", "", 0, 0) if absent else tree.owners(host, item.args)
    parents = () if found.kind != tree.ABSENT else tuple(tree.missing_parents(host, item.name))
    return SeenFile(found, content, owners, parents, tree.leftover(host, item.name))


def _plan_absent(resource: Resource, now: SeenFile) -> list[Step]:
    if now.found.kind == tree.ABSENT:
        return [step_of(resource, "clean", detail=_LEFTOVER)] if now.leftover else []
    diff = _diff(resource, now.content, None)
    return [step_of(resource, "remove", diff=diff, paths=(resource.name,))]


def _describe(
    now: SeenFile, new_content: bool, changes: list[str], earlier: Sequence[Step]
) -> tuple[str, str]:
    if now.found.kind == tree.ABSENT:
        return "create", with_parents(now.parents, earlier)
    if now.found.kind == "symlink":
        return "replace", f"a symlink to {now.found.target}"
    if not new_content:
        return "adjust", ", ".join(changes)
    return "change", ", ".join(["content", *changes])


def _owner_source(now: SeenFile, earlier: Sequence[Step]) -> str:
    """Return which earlier step makes the missing owner."""
    for step in reversed(earlier):
        if step.kind == "user" and step.name in (now.owners.user, now.owners.group):
            return f"user {step.name}"
    packages = [step for step in earlier if step.kind == "packages"]
    return f"packages {packages[-1].name}" if packages else "an owner that does not exist yet"


def _diff(resource: Resource, before: bytes | None, after: bytes | None) -> dict[str, str]:
    hidden = bool(resource.args.get("sensitive"))
    return {
        "before_header": resource.name,
        "after_header": resource.name,
        "before": _shown(before, hidden),
        "after": _shown(after, hidden),
    }


def _shown(content: bytes | None, hidden: bool) -> str:
    if content is None:
        return ""
    if hidden or len(content) > _DIFF_LIMIT:
        why = "sensitive" if hidden else f"{len(content)} bytes"
        return f"sha256:{hashlib.sha256(content).hexdigest()} ({why})\n"
    return content.decode(errors="replace")


def _validate(host: Host, path: str, argv: Sequence[str], temporary: Path) -> None:
    """Run the validation program on the new file.

    Raises:
        PlatformError: it says no; the message has what it said.
    """
    inside = "/" + str(temporary.relative_to(host.root))
    command = [part.replace("%s", inside) for part in argv]
    done = host.run(command, _VALIDATE_SECONDS)
    if done.code != 0:
        raise PlatformError(
            f"Checking the new {path} with `{' '.join(command)}`: it ended with {done.code}: "
            f"{tail(done.err or done.out)}. The old file is intact. Correct the template or the "
            "variables behind it."
        )

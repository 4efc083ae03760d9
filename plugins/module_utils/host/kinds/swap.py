# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `swap`: swap off now and after the next boot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.host import tree
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.file import File, SeenFile
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
)

FSTAB = "/etc/fstab"
_FILE = File()
_NOTE = "# disabled by biomax.platform: "


@dataclass(frozen=True)
class SeenSwap:
    """Devices and files in use as swap, and fstab."""

    active: tuple[str, ...]
    fstab: SeenFile


class Swap(Kind[SeenSwap]):
    """Turn swap off; swap lines of fstab are kept as comments."""

    name = "swap"

    def observe(
        self,
        context: Context,
        resources: Sequence[Resource],  # noqa: ARG002 - the kinds' common signature
    ) -> SeenSwap:
        """Read /proc/swaps and fstab."""
        lines = (context.host.read("/proc/swaps") or b"").decode(errors="replace").splitlines()
        active = tuple(line.split()[0] for line in lines[1:] if line.split())
        fstab = Resource("", "file", FSTAB, _args(""), 0)
        return SeenSwap(active, _FILE.observe(context, [fstab])[FSTAB])

    def plan(self, resource: Resource, seen: SeenSwap, earlier: Sequence[Step]) -> list[Step]:
        """Compare both with no swap at all."""
        before = (seen.fstab.content or b"").decode(errors="replace")
        after = _without_swap(before)
        file_step = None
        if after != before:
            mode = f"{seen.fstab.found.mode:04o}"
            args = {**_args(after), "mode": mode}
            wanted = Resource(resource.role, "file", FSTAB, args, resource.position)
            file_step = _FILE.plan(wanted, {FSTAB: seen.fstab}, earlier)[0]
        if not seen.active and not file_step:
            return []
        words = [f"swapoff {name}" for name in seen.active] + ([FSTAB] if file_step else [])
        return [
            replace(
                step_of(resource, "disable", detail=", ".join(words)),
                diff=file_step.diff if file_step else None,
                paths=(FSTAB,) if file_step else (),
                data={"file": file_step, "active": seen.active},
            )
        ]

    def evidence(
        self,
        resource: Resource,  # noqa: ARG002 - the kinds' common signature
        seen: SeenSwap,
    ) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        fstab = tree.evidence(seen.fstab.found, seen.fstab.content)
        return {"active": [*seen.active], **fstab}

    def apply(self, context: Context, step: Step) -> None:
        """Rewrite fstab, then turn each swap off."""
        if step.data["file"] is not None:
            _FILE.apply(context, step.data["file"])
        for name in step.data["active"]:
            context.host.must_run(["swapoff", name], 600)


def _args(content: str) -> dict[str, str]:
    return {"content": content, "mode": "0644", "owner": "root", "group": "root"}


def _without_swap(text: str) -> str:
    """Return fstab with its swap lines (third field `swap`, fstab(5)) turned into comments."""
    lines = []
    for line in text.splitlines(keepends=True):
        fields = line.split()
        is_swap = len(fields) >= 3 and not line.lstrip().startswith("#") and fields[2] == "swap"
        lines.append(_NOTE + line if is_swap else line)
    return "".join(lines)

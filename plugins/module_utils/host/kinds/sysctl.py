# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `sysctl`: kernel parameters, in the file for the next boot and in the running kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.file import File, SeenFile
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
)

_FILE = File()


@dataclass(frozen=True)
class SeenSysctl:
    """The settings file of each resource and the running values by key (None: no such key)."""

    files: Mapping[str, SeenFile]
    values: Mapping[str, str | None]


class Sysctl(Kind[SeenSysctl]):
    """Write `/etc/sysctl.d/90-<file>.conf` and set what differs in the kernel."""

    name = "sysctl"

    def observe(self, context: Context, resources: Sequence[Resource]) -> SeenSysctl:
        """Read the files and the running values."""
        files = _FILE.observe(context, [_as_file(item) for item in resources])
        keys = {key for item in resources for key in item.args["values"]}
        values = {}
        for key in keys:
            raw = context.host.read(_proc(key))
            values[key] = None if raw is None else _normal(raw.decode(errors="replace"))
        return SeenSysctl(files, values)

    def plan(self, resource: Resource, seen: SeenSysctl, earlier: Sequence[Step]) -> list[Step]:
        """Compare file and running values."""
        file_steps = _FILE.plan(_as_file(resource), dict(seen.files), earlier)
        changed = _differing(resource, seen) if resource.args["runtime"] else {}
        if not file_steps and not changed:
            return []
        words = [f"{key} {before} -> {after}" for key, (before, after) in changed.items()]
        unknown = [key for key, (before, _) in changed.items() if before is None]
        file_data = dict(file_steps[0].data) if file_steps else {}
        return [
            replace(
                step_of(
                    resource,
                    "set",
                    detail=", ".join(words) or file_steps[0].detail,
                    known_after=_module_step(resource, unknown, earlier) if unknown else "",
                    diff=file_steps[0].diff if file_steps else None,
                    paths=file_steps[0].paths if file_steps else (),
                ),
                data={
                    "file": file_steps[0] if file_steps else None,
                    "file_data": file_data,
                    "values": {key: after for key, (_, after) in changed.items()},
                },
            )
        ]

    def evidence(self, resource: Resource, seen: SeenSysctl) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        file = _FILE.evidence(_as_file(resource), dict(seen.files))
        if not resource.args["runtime"]:
            return file
        return {**file, **{key: seen.values[key] for key in sorted(resource.args["values"])}}

    def apply(self, context: Context, step: Step) -> None:
        """Write the file, then set the running values."""
        if step.data["file"] is not None:
            _FILE.apply(context, step.data["file"])
        for key, value in step.data["values"].items():
            try:
                context.host.at(_proc(key)).write_text(value + "\n")
            except OSError as error:
                raise PlatformError(
                    f"Setting {key} to {value!r}: the kernel answered {error.strerror}. Correct "
                    "the value, or set `runtime: false` where this kernel refuses it."
                ) from error


def settings_path(resource: Resource) -> str:
    """Return the file that keeps the settings of `resource`."""
    return f"/etc/sysctl.d/90-{resource.args['file']}.conf"


def _as_file(resource: Resource) -> Resource:
    lines = [f"{key} = {value}" for key, value in sorted(resource.args["values"].items())]
    header = f"# Managed by biomax.platform, role {resource.role}; changes here are replaced."
    content = "\n".join([header, *lines]) + "\n"
    args = {"content": content, "mode": "0644", "owner": "root", "group": "root"}
    return Resource(resource.role, "file", settings_path(resource), args, resource.position)


def _proc(key: str) -> str:
    # sysctl(8): the first separator decides, so that interface names may contain dots.
    first = next((char for char in key if char in "./"), ".")
    path = key.replace(".", "/") if first == "." else key
    return f"/proc/sys/{path}"


def _normal(value: str) -> str:
    return " ".join(value.split())


def _differing(resource: Resource, seen: SeenSysctl) -> dict[str, tuple[str | None, str]]:
    wanted = {key: _normal(str(value)) for key, value in resource.args["values"].items()}
    return {
        key: (seen.values[key], value)
        for key, value in sorted(wanted.items())
        if seen.values[key] != value
    }


def _module_step(resource: Resource, unknown: list[str], earlier: Sequence[Step]) -> str:
    """Return the earlier step that makes the kernel know the keys `unknown`."""
    for step in reversed(earlier):
        if step.kind in ("kernel_modules", "packages"):
            return f"{step.kind} {step.name}"
    raise InputError(
        f"Role {resource.role} sets {', '.join(unknown)}, which the running kernel does not have. "
        "Correct the name, declare the module that brings it before this entry, or set "
        "`runtime: false`."
    )

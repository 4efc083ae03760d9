# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `kernel_modules`: modules loaded now and at each boot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.file import File, SeenFile
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

_FILE = File()
PRESENT, LOADABLE, MISSING = "present", "loadable", "missing"

# A module without parameters that is built in leaves no trace in /sys/module; these paths are
# what the kernel shows instead (Documentation/admin-guide/sysctl/net.rst, filesystems/proc.rst).
_EVIDENCE = {
    "br_netfilter": "/proc/sys/net/bridge",
    # The directory alone is no evidence: logging of packets has entries there on every kernel.
    "nf_conntrack": "/proc/sys/net/netfilter/nf_conntrack_max",
}


@dataclass(frozen=True)
class SeenModules:
    """The modules-load file of each resource, and whether the kernel has each module."""

    files: Mapping[str, SeenFile]
    modules: Mapping[str, str]


class KernelModules(Kind[SeenModules]):
    """Write `/etc/modules-load.d/<file>.conf` and load what is not there yet."""

    name = "kernel_modules"

    def observe(self, context: Context, resources: Sequence[Resource]) -> SeenModules:
        """Read the files and ask the kernel for every module."""
        files = _FILE.observe(context, [_as_file(item) for item in resources])
        names = {name for item in resources for name in _all(item)}
        return SeenModules(files, _states(context.host, names))

    def plan(self, resource: Resource, seen: SeenModules, earlier: Sequence[Step]) -> list[Step]:
        """Compare file and kernel."""
        required = set(resource.args["modules"])
        missing = sorted(name for name in required if seen.modules[name] == MISSING)
        if missing and not any(step.kind == "packages" for step in earlier):
            raise InputError(
                f"Role {resource.role} needs the kernel modules {', '.join(missing)}: they are "
                "neither loaded nor built in, and /lib/modules has no such file. Install a kernel "
                "that has them, or list them under `optional`."
            )
        states = {name: seen.modules[name] for name in _all(resource)}
        load = [name for name, state in states.items() if state == LOADABLE] + missing
        file_steps = _FILE.plan(_as_file(resource), dict(seen.files), earlier)
        if not load and not file_steps:
            return []
        return [
            replace(
                step_of(
                    resource,
                    "load" if load else "set",
                    detail=", ".join(load) or file_steps[0].detail,
                    known_after="packages" if missing else "",
                    diff=file_steps[0].diff if file_steps else None,
                    paths=file_steps[0].paths if file_steps else (),
                ),
                data={"file": file_steps[0] if file_steps else None, "load": load},
            )
        ]

    def evidence(self, resource: Resource, seen: SeenModules) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        file = _FILE.evidence(_as_file(resource), dict(seen.files))
        return {**file, **{name: seen.modules[name] for name in sorted(_all(resource))}}

    def apply(self, context: Context, step: Step) -> None:
        """Write the file, then load the modules."""
        if step.data["file"] is not None:
            _FILE.apply(context, step.data["file"])
        for name in step.data["load"]:
            context.host.must_run(["modprobe", name], 60)


def _all(resource: Resource) -> list[str]:
    return [*resource.args["modules"], *resource.args["optional"]]


def _as_file(resource: Resource) -> Resource:
    header = f"# Managed by biomax.platform, role {resource.role}; changes here are replaced."
    content = "\n".join([header, *_all(resource)]) + "\n"
    args = {"content": content, "mode": "0644", "owner": "root", "group": "root"}
    path = f"/etc/modules-load.d/{resource.args['file']}.conf"
    return Resource(resource.role, "file", path, args, resource.position)


def _states(host: Host, names: set[str]) -> dict[str, str]:
    filesystems = {
        line.split()[-1].decode() for line in (host.read("/proc/filesystems") or b"").splitlines()
    }
    here = {name for name in names if _in_kernel(host, name) or name in filesystems}
    release = (host.read("/proc/sys/kernel/osrelease") or b"").decode().strip()
    built_in = _listed(host, f"/lib/modules/{release}/modules.builtin") if names - here else set()
    loadable = _listed(host, f"/lib/modules/{release}/modules.dep") if names - here else set()
    states = {}
    for name in names:
        known = name.replace("-", "_")
        if name in here or known in built_in:
            states[name] = PRESENT
        else:
            states[name] = LOADABLE if known in loadable else MISSING
    return states


def _in_kernel(host: Host, name: str) -> bool:
    known = name.replace("-", "_")
    evidence = _EVIDENCE.get(known)
    return host.at(f"/sys/module/{known}").exists() or bool(evidence and host.at(evidence).exists())


def _listed(host: Host, path: str) -> set[str]:
    """Return module names of a modules.builtin or modules.dep file, dashes as underscores."""
    lines = (host.read(path) or b"").decode(errors="replace").splitlines()
    names = (line.split(":", 1)[0].rsplit("/", 1)[-1].split(".ko", 1)[0] for line in lines)
    return {name.replace("-", "_") for name in names}

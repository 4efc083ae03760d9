# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `packages`: Debian packages that are there or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.module_utils.host import apt
from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
)


@dataclass(frozen=True)
class SeenPackages:
    """The package database, and what apt would remove for each entry that removes."""

    dpkg: apt.Dpkg
    removals: Mapping[int, tuple[str, ...]]


class Packages(Kind[SeenPackages]):
    """Install and remove packages; finish an installation that was cut."""

    name = "packages"

    def observe(self, context: Context, resources: Sequence[Resource]) -> SeenPackages:
        """Read dpkg's database; ask apt only for entries that remove something."""
        dpkg = apt.read_dpkg(context.host)
        removals = {}
        for item in resources:
            names = [name for name in _names(item) if name in dpkg.installed]
            if item.args["state"] == "absent" and names:
                removals[item.position] = tuple(apt.removed_with(context.host, names))
        return SeenPackages(dpkg, removals)

    def plan(self, resource: Resource, seen: SeenPackages, earlier: Sequence[Step]) -> list[Step]:
        """Compare with the names that are installed."""
        return [*_leftovers(resource, seen, earlier), *_wanted(resource, seen, earlier)]

    def evidence(self, resource: Resource, seen: SeenPackages) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        installed = seen.dpkg.installed
        words: dict[str, Any] = {
            "installed": [name for name in _names(resource) if name in installed],
            "unfinished": [*seen.dpkg.unfinished],
        }
        if resource.position in seen.removals:
            words["removed with it"] = sorted(seen.removals[resource.position])
        return {**words, "policy left": True} if seen.dpkg.policy_left else words

    def apply(self, context: Context, step: Step) -> None:
        """Carry out one step."""
        if step.action == "finish":
            apt.finish_interrupted(context.host)
        elif step.action == "clean":
            apt.remove_policy(context.host)
        elif step.action == "install":
            apt.install(context.host, step.data["names"], step.data["update"])
        else:
            apt.remove(context.host, step.data["names"])


def _names(resource: Resource) -> list[str]:
    return list(dict.fromkeys(resource.args["packages"]))


def _leftovers(resource: Resource, seen: SeenPackages, earlier: Sequence[Step]) -> list[Step]:
    """Return what a cut run left to do before any package is touched; once in a call."""
    if any(step.kind == "packages" and step.action in ("finish", "clean") for step in earlier):
        return []
    steps = []
    if seen.dpkg.policy_left:
        steps.append(step_of(resource, "clean", name=apt.POLICY, detail="left over from a cut run"))
    if seen.dpkg.unfinished:
        cut = ", ".join(seen.dpkg.unfinished)
        steps.append(step_of(resource, "finish", name="dpkg", detail=f"interrupted: {cut}"))
    return steps


def _wanted(resource: Resource, seen: SeenPackages, earlier: Sequence[Step]) -> list[Step]:
    installed = seen.dpkg.installed
    if resource.args["state"] == "absent":
        return _removal(resource, seen)
    cut = set(seen.dpkg.unfinished)  # the step that finishes dpkg brings these
    planned = {name for step in earlier for name in step.data.get("names", ())}
    missing = [name for name in _names(resource) if name not in installed | cut | planned]
    if not missing:
        return []
    first = not any(step.kind == "packages" and step.action == "install" for step in earlier)
    shown = ", ".join(missing)
    data = {"names": missing, "update": first}
    return [step_of(resource, "install", name=shown, data=data)]


def _removal(resource: Resource, seen: SeenPackages) -> list[Step]:
    names = [name for name in _names(resource) if name in seen.dpkg.installed]
    if not names:
        return []
    more = sorted(set(seen.removals[resource.position]) - set(names))
    if more:
        raise UnsafeError(
            f"Role {resource.role} removes {', '.join(names)}; apt would remove "
            f"{', '.join(more)} with it. Declare those absent too, or keep the package."
        )
    return [step_of(resource, "remove", name=", ".join(names), data={"names": names})]

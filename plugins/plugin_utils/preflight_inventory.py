# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the inventory and the roles for preflight, with Ansible's own loaders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.vars.plugins import get_vars_from_inventory_sources
from ansible_collections.biomax.platform.plugins.module_utils.cluster.manifest import (
    SUFFIX,
    images_of,
    parse_selection,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import parse_objects
from ansible_collections.biomax.platform.plugins.module_utils.common.calico import (
    OPERATOR_API,
    operator_images,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_bundle import (
    Need,
    declared_needs,
    image_need,
    image_needs,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_variables import (
    ClosedList,
    parse_closed_list,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    Definition,
    Site,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.component_objects import (
    BundleManifests,
    render_object_template,
)

COLLECTION = Path(__file__).resolve().parents[2]
CLOSED_LIST = COLLECTION / "plugins/module_utils/preflight/site_variables.yml"
ROLES = COLLECTION / "roles"
_PLUGIN_VARIABLES = {"inventory_file", "inventory_dir"}  # set by Ansible on each host


def read_closed_list(path: Path = CLOSED_LIST) -> ClosedList:
    """Read the closed list of site variables."""
    return parse_closed_list(yaml.safe_load(path.read_text(encoding="utf-8")))


class InventoryReader:
    """The inventory of a running play.

    Args:
        loader: The action plugin's data loader.
        templar: The action plugin's templar; its variables are those of the task's host, from
            whose point of view site variables are resolved.
        task_vars: The action plugin's task variables.
        roles: Directories that hold roles.
    """

    def __init__(
        self, loader: Any, templar: Any, task_vars: Mapping[str, Any], roles: Iterable[Path]
    ) -> None:
        self._loader = loader
        self._templar = templar
        self._variables = task_vars
        self._sources = list(task_vars["ansible_inventory_sources"])
        self._groups = task_vars["groups"]
        self._hostvars = task_vars["hostvars"]
        self._role_dirs = [path for base in roles for path in sorted(base.glob("*/"))]

    def site(self, closed: ClosedList) -> Site:
        """Read the declared site.

        Args:
            closed: The closed list; the values of its variables are resolved.

        Returns:
            The site. What cannot be resolved is in `unreadable`, with the reason.
        """
        groups = {name: [str(item) for item in hosts] for name, hosts in self._groups.items()}
        unreadable: dict[tuple[str, str], str] = {}
        wanted = [name for name in (*closed.site, *closed.role) if name in self._variables]
        names = Site(groups=groups).hosts
        return Site(
            groups=groups,
            variables=_resolve(self._templar.resolve_variable_expression, "", wanted, unreadable),
            host_variables={
                name: self._host_values(name, closed.host, unreadable) for name in names
            },
            unreadable=unreadable,
            definitions=list(self._definitions()),
            role_variables=frozenset(self._role_variables()),
        )

    def needs(self, manifests: BundleManifests) -> tuple[list[Need], dict[str, str]]:
        """Read what the roles ask the bundle for.

        Args:
            manifests: Manifests of the bundle; their images are needed, too.

        Returns:
            The needs, and for each role that could not be read the reason.
        """
        needs: list[Need] = []
        unreadable: dict[str, str] = {}
        for role in self._role_dirs:
            try:
                needs += self._role_needs(role, manifests)
            except (AnsibleError, PlatformError) as error:
                unreadable[role.name] = one_line_reason(error)
        return needs, unreadable

    def _role_needs(self, role: Path, manifests: BundleManifests) -> Iterator[Need]:
        """Resolve the artifacts, packages, images and manifests of one role."""
        defaults = self._yaml(role / "defaults/main.yml") or {}
        values = {**defaults, **self._variables}
        scope = self._templar.copy_with_new_env(available_variables=values)
        images = {name: values[name] for name in defaults if name.endswith("_image")}
        yield from image_needs(role.name, scope.template(images))
        for template in sorted((role / "objects").glob(f"*{SUFFIX}")):
            yield from _manifest_needs(role.name, template, scope, manifests)
        yield from _operator_needs(role, scope)
        entries = self._yaml(role / "resources/main.yml") or []
        asking = [
            {
                key: entry[key]
                for key in ("artifact", "packages", "version", "state")
                if key in entry
            }
            for entry in entries
            if "artifact" in entry or "packages" in entry
        ]
        yield from declared_needs(role.name, scope.template(asking))

    def _host_values(
        self, host: str, names: Iterable[str], unreadable: dict[tuple[str, str], str]
    ) -> dict[str, Any]:
        """Resolve variables of a host from its own point of view."""
        scope = self._hostvars[host]
        defined = [name for name in names if name in scope]
        return _resolve(scope.__getitem__, host, defined, unreadable)

    def _definitions(self) -> Iterator[Definition]:
        """List every variable of the inventory: in its hosts files, group_vars and host_vars."""
        inventory = InventoryManager(loader=self._loader, sources=self._sources)
        places = _places(self._sources)
        entities = [("group", group) for group in inventory.groups.values()]
        entities += [("host", host) for host in inventory.hosts.values()]
        for kind, entity in entities:
            found = {
                **entity.vars,
                **get_vars_from_inventory_sources(self._loader, self._sources, [entity], "task"),
            }
            for name in sorted(set(found) - _PLUGIN_VARIABLES):
                yield Definition(str(name), f"{kind} {entity.name}", places.get(str(name), ""))

    def _role_variables(self) -> Iterator[str]:
        """List the variables that roles declare in their defaults."""
        for role in self._role_dirs:
            yield from (str(name) for name in self._yaml(role / "defaults/main.yml") or {})
            yield f"{role.name}_extra_resources"

    def _yaml(self, path: Path) -> Any:
        """Load a file of a role with its templates trusted; None when there is none."""
        if not path.is_file():
            return None
        return self._loader.load_from_file(str(path), trusted_as_template=True)


def _operator_needs(role: Path, templar: Any) -> Iterator[Need]:
    """List the images that an operator will pull for the resources that a role declares."""
    for template in sorted((role / "objects").glob("*.yml.j2")):
        if OPERATOR_API in template.read_text(encoding="utf-8"):
            text = render_object_template(templar, template)
            for image in sorted(operator_images(parse_objects(text, template.name))):
                yield image_need(role.name, image)


def _manifest_needs(
    role: str, template: Path, templar: Any, manifests: BundleManifests
) -> Iterator[Need]:
    """List the manifest that a template selects, and the images of what it takes from it."""
    source = f"{role}/objects/{template.name}"
    selection = parse_selection(render_object_template(templar, template), source)
    if selection is None:
        return
    yield Need("manifest", selection.manifest, selection.version, role)
    if manifests.holds(selection):
        for image in sorted(images_of(manifests.select(selection))):
            yield image_need(role, image)


def _resolve(
    read: Callable[[str], Any],
    host: str,
    names: Iterable[str],
    unreadable: dict[tuple[str, str], str],
) -> dict[str, Any]:
    """Read variables by name; note the reason of each that cannot be read."""
    values: dict[str, Any] = {}
    for name in names:
        try:
            values[name] = read(name)
        except AnsibleError as error:
            unreadable[(host, name)] = one_line_reason(error)
    return values


def _places(sources: Iterable[str]) -> dict[str, str]:
    """Find where each name stands as a key in the files of the inventory: `file:line`."""
    places: dict[str, str] = {}
    for source in map(Path, sources):
        base = source if source.is_dir() else source.parent
        for path in sorted(path for path in base.rglob("*") if path.is_file()):
            try:
                lines = path.read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                continue  # no text: no variables that a person could have misspelt
            for number, line in enumerate(lines, start=1):
                if match := re.match(r"\s*([A-Za-z_]\w*)\s*:", line):
                    places.setdefault(match.group(1), f"{path.relative_to(base)}:{number}")
    return places


def one_line_reason(error: Exception) -> str:
    """Reduce an error of Ansible to one line: its innermost cause and the step that met it.

    The cause alone can be as little as "File not found."; the step before it names the file.
    """
    chain: list[BaseException] = [error]
    while chain[-1].__cause__ is not None:
        chain.append(chain[-1].__cause__)
    return " ".join(str(chain[-2:][0]).split())[:200]

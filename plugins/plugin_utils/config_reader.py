# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of each host as its roles see them, with where each comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.inventory.helpers import sort_groups
from ansible.inventory.manager import InventoryManager
from ansible.utils.vars import load_extra_vars
from ansible_collections.biomax.platform.plugins.module_utils.config.rows import (
    COMMAND,
    DEFAULT,
    DERIVED,
    INPUT,
    SITE,
    UNREADABLE,
    Row,
    hide,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_types import is_secret
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_variables import (
    FREE_PREFIXES,
    ClosedList,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Definition
from ansible_collections.biomax.platform.plugins.plugin_utils.preflight_inventory import (
    ROLES,
    one_line_reason,
)

VAULT = "vault_"  # prefix of secrets in an inventory


class ConfigReader:
    """Reads effective values from a running play.

    Args:
        loader: The action plugin's data loader.
        templar: The action plugin's templar.
        task_vars: The action plugin's task variables; variables of the play are taken from it.
        closed: The closed list of site variables.
        definitions: Every variable that the inventory defines.
    """

    def __init__(
        self,
        loader: Any,
        templar: Any,
        task_vars: Mapping[str, Any],
        closed: ClosedList,
        definitions: Iterable[Definition],
    ) -> None:
        self._loader, self._templar, self._closed = loader, templar, closed
        self._hostvars = task_vars["hostvars"]
        self._play = {
            name: task_vars[name] for name in task_vars if name.startswith("host_layer_")
        } | {"hostvars": self._hostvars}
        sources = list(task_vars["ansible_inventory_sources"])
        self._inventory = InventoryManager(loader=loader, sources=sources)
        self._command = set(load_extra_vars(loader))
        self._by_scope: dict[str, dict[str, Definition]] = {}
        for definition in definitions:
            self._by_scope.setdefault(definition.scope, {})[definition.name] = definition

    def rows(self, host: str) -> list[Row]:
        """Return the variables of a host: the site's and its own, then those of its roles."""
        raw = {**self._hostvars.raw_get(host), **self._play}
        scope = self._templar.copy_with_new_env(available_variables=raw)
        defined = self._defined(host)
        known = [name for name in (*self._closed.host, *self._closed.site) if name in raw]
        known += sorted(name for name in defined if name.startswith(FREE_PREFIXES))
        rows = [self._row(SITE, name, raw[name], scope, defined) for name in known]
        secret = {name for name in known if name.startswith(VAULT) or self._is_secret(name)}
        for role in self._roles(raw, scope):
            defaults = self._yaml(role / "defaults/main.yml")
            options = self._options(role)
            values = {**defaults, **raw}
            scope = self._templar.copy_with_new_env(available_variables=values)
            names = [name for name in {**defaults, **options} if name in values]
            rows += [
                self._row(role.name, name, values[name], scope, defined)
                for name in names
                if name not in self._closed.site
            ]
            secret |= {name for name, option in options.items() if option.get("no_log")}
        return hide(rows, secret)

    def _roles(self, raw: Mapping[str, Any], scope: Any) -> Iterator[Path]:
        """Yield the roles that a host has a part in: its host layer; of a node all others too."""
        groups = set(raw["group_names"])
        layers = []
        if groups & {"kube_control_plane", "kube_node"}:
            layers += scope.resolve_variable_expression("host_layer_member_roles")
        if "mirror" in groups:
            layers += scope.resolve_variable_expression("host_layer_mirror_roles")
        yield from (ROLES / name for name in dict.fromkeys(layers))
        if groups & {"kube_control_plane", "kube_node"}:
            for role in sorted(ROLES.glob("*/")):
                if not (role / "resources/main.yml").is_file():
                    yield role

    def _row(
        self, section: str, name: str, raw: Any, scope: Any, defined: Mapping[str, Definition]
    ) -> Row:
        """Resolve one variable and tell where it comes from."""
        definition = defined.get(name)
        if name in self._command:
            origin, place = COMMAND, "--extra-vars"
        elif definition:
            origin, place = INPUT, _place(definition)
        else:
            origin, place = DEFAULT, ""
        if origin != COMMAND and is_made(raw, whole=definition is not None):
            origin = DERIVED
        try:
            value = json.loads(json.dumps(scope.resolve_variable_expression(name), default=str))
        except AnsibleError as error:
            origin, value = UNREADABLE, one_line_reason(error)
        return Row(section, name, value, origin, place)

    def _defined(self, host: str) -> dict[str, Definition]:
        """Return the inventory's definitions that hold for a host, by name; the nearest wins."""
        groups = sort_groups(self._inventory.get_host(host).get_groups())
        scopes = [f"group {group.name}" for group in groups] + [f"host {host}"]
        return {
            name: definition
            for scope in scopes
            for name, definition in self._by_scope.get(scope, {}).items()
        }

    def _is_secret(self, name: str) -> bool:
        variable = self._closed.site.get(name) or self._closed.host.get(name)
        return variable is not None and is_secret(variable.kind)

    def _options(self, role: Path) -> dict[str, Any]:
        specs = self._yaml(role / "meta/argument_specs.yml").get("argument_specs", {})
        return dict(specs.get("main", {}).get("options") or {})

    def _yaml(self, path: Path) -> dict[str, Any]:
        """Load a file of a role with its templates trusted; empty when there is none."""
        if not path.is_file():
            return {}
        return dict(self._loader.load_from_file(str(path), trusted_as_template=True) or {})


def is_made(raw: Any, *, whole: bool) -> bool:
    """Tell whether a variable is made from others.

    Args:
        raw: Its value, templates not resolved.
        whole: Only a text that is a template counts: in an inventory a list or map is somebody's
            decision, even when a name in it is completed by a template.
    """
    if isinstance(raw, str):
        return "{{" in raw
    return not whole and "{{" in json.dumps(raw, default=str)


def _place(definition: Definition) -> str:
    """Name the scope; the file as well where the variable stands in one file only."""
    if definition.place and definition.scope.startswith("group "):
        return f"{definition.scope}, {definition.place}"
    return definition.scope

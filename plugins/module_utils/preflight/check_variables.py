# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of variables: names that nobody declares, values of a wrong type, lab-only settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.names import nearest_name
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_types import (
    accepts,
    expected,
    is_secret,
    type_names,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    SITE,
    Finding,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

# Ansible's, a scenario's, secrets, a site's own helpers.
FREE_PREFIXES = ("ansible_", "molecule_", "vault_", "local_")
_SHOWN = 60  # characters of a wrong value that a message shows
_SETTINGS = {"type", "choices", "required", "derived", "lab_only", "description"}


@dataclass(frozen=True)
class Variable:
    """What the closed list says of one variable; see site_variables.yml."""

    name: str
    kind: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    derived: bool = False
    description: str = ""
    lab_only: Any = None
    is_lab_only: bool = False


@dataclass(frozen=True)
class ClosedList:
    """The variables that a site may define, by where they belong."""

    host: Mapping[str, Variable] = field(default_factory=dict)
    site: Mapping[str, Variable] = field(default_factory=dict)
    role: Mapping[str, Variable] = field(default_factory=dict)


def parse_closed_list(data: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> ClosedList:
    """Read the closed list from what site_variables.yml holds.

    Raises:
        InputError: A section or setting is unknown, or a type does not exist.
    """
    unknown = set(data) - {"host", "site", "role"}
    if unknown:
        raise InputError(f"Reading the closed list: unknown sections {sorted(unknown)}.")
    sections = {
        section: {name: _variable(name, settings) for name, settings in entries.items()}
        for section, entries in data.items()
    }
    for variable in [*sections.get("host", {}).values(), *sections.get("site", {}).values()]:
        if variable.kind not in type_names() or not variable.description:
            raise InputError(f"Reading the closed list: {variable.name} needs type, description.")
    return ClosedList(**sections)


def check_variables(site: Site, closed: ClosedList) -> list[Finding]:
    """Judge the names and values of the inventory's variables.

    Args:
        site: The declared site.
        closed: The closed list.

    Returns:
        Every finding about variables.
    """
    return [
        *check_unknown(site, closed),
        *check_values(site, closed),
        *check_lab_only(site, closed),
    ]


def check_unknown(site: Site, closed: ClosedList) -> Iterator[Finding]:
    """Find variables of the inventory that neither the closed list nor a role declares."""
    known = set(closed.host) | set(closed.site) | site.role_variables
    for definition in site.definitions:
        if definition.name in known or definition.name.startswith(FREE_PREFIXES):
            continue
        nearest = nearest_name(definition.name, known)
        yield Finding(
            SITE,
            "variables/unknown",
            f"unknown variable {definition.name} ({definition.scope}"
            f"{', ' + definition.place if definition.place else ''})",
            nearest or "a site variable, or a variable in the defaults of a role",
            f"rename it to {nearest}"
            if nearest
            else "remove it, or name it local_… if it is a helper of this site's own",
        )


def check_values(site: Site, closed: ClosedList) -> Iterator[Finding]:
    """Find site and host variables that are missing, unreadable or of a wrong type."""
    for variable in closed.site.values():
        yield from _value(SITE, "", variable, site.variables, site)
    for host in site.hosts:
        for variable in closed.host.values():
            yield from _value(host, host, variable, site.host_variables.get(host, {}), site)


def check_lab_only(site: Site, closed: ClosedList) -> Iterator[Finding]:
    """Find lab-only settings on a site that is no lab."""
    if site.variables.get("site_sizing") == "lab":
        return
    for variable in [*closed.site.values(), *closed.role.values()]:
        value = site.variables.get(variable.name, variable.lab_only)
        if variable.is_lab_only and value != variable.lab_only:
            yield Finding(
                SITE,
                "lab-only/setting",
                f"{variable.name}: {_shown(value)} with site_sizing {site.text('site_sizing')!r}",
                f"{variable.name}: {_shown(variable.lab_only)}, except with site_sizing lab",
                f"remove {variable.name} from the inventory",
            )


def _value(
    host: str, key: str, variable: Variable, values: Mapping[str, Any], site: Site
) -> Iterator[Finding]:
    """Judge one variable of the site or of a host."""
    wanted = expected(variable.kind, variable.choices)
    action = f"correct it: {variable.description[:1].lower()}{variable.description[1:]}"
    reason = site.unreadable.get((key, variable.name))
    identity = "variables/wrong"
    if reason:
        identity = "variables/unreadable"
        found = f"{variable.name} cannot be read: {reason}"
        action = "correct what the message names"
    elif variable.name not in values:
        if not variable.required:
            return
        identity = "variables/missing"
        found = f"{variable.name} is not set"
        action = f"set it: {variable.description[:1].lower()}{variable.description[1:]}"
    elif variable.derived or accepts(variable.kind, values[variable.name], variable.choices):
        return
    elif is_secret(variable.kind):
        found = f"{variable.name} is of another form (it is not shown)"
    else:
        found = f"{variable.name} is {_shown(values[variable.name])}"
    yield Finding(host, identity, found, wanted, action)


def _variable(name: str, settings: Mapping[str, Any]) -> Variable:
    unknown = set(settings) - _SETTINGS
    if unknown:
        raise InputError(f"Reading the closed list: {name} has unknown {sorted(unknown)}.")
    return Variable(
        name=name,
        kind=settings.get("type", ""),
        choices=tuple(settings.get("choices", ())),
        required=settings.get("required", False),
        derived=settings.get("derived", False),
        description=settings.get("description", ""),
        lab_only=settings.get("lab_only"),
        is_lab_only="lab_only" in settings,
    )


def _shown(value: Any) -> str:
    """Show a value as YAML would nearly write it, cut to a line."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

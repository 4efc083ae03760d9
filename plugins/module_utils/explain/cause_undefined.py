# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A template uses a variable that is not defined."""

from __future__ import annotations

import re
import shlex

from ansible_collections.biomax.platform.plugins.module_utils.common.nearest import nearest
from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
)

_VARIABLE = re.compile(r"'([A-Za-z_]\w*)' is undefined")
_ATTRIBUTE = re.compile(r"(?:object of type )?'[\w. ]+'(?: object)? has no attribute '(\w+)'")
_USER = re.compile(
    r"role (?P<role>\w+), entry \d+ of \S+?(?:: template (?P<template>[\w./-]+))?:", re.I
)
_ARGUMENT = re.compile(r"Role (\w+): an argument cannot be resolved")
_VALUE = re.compile(r"resolving value for '(\w+)'")


def look(failure: Failure, site: Site) -> Cause | None:
    """Return the cause when a name could not be resolved."""
    variable = _VARIABLE.search(failure.text)
    attribute = _ATTRIBUTE.search(failure.text)
    found = variable or attribute
    if not found:
        return None
    name, user = found.group(1), _used_by(failure)
    if variable:
        fact = f"variable {name} is not defined for {failure.host}; {user} uses it"
        remedy = f"Define {name} in the inventory, or correct the name in {user}."
        guess = nearest(name, site.variables)
    else:
        fact = f"a value has no key {name}; {user} uses it ({failure.host})"
        remedy = f"Add the key {name} to the value in the inventory, or correct {user}."
        guess = None
    return Cause(
        fact,
        CONTROLLER,
        f"ansible {failure.host} -i {shlex.quote(site.inventory)} -m ansible.builtin.debug"
        f" -a var={name}",
        remedy + (f" Did you mean {guess}?" if guess and guess != name else ""),
    )


def _used_by(failure: Failure) -> str:
    if found := _USER.search(failure.text):
        return f"role {found['role']}" + (
            f", template {found['template']}" if found["template"] else ""
        )
    if found := _ARGUMENT.search(failure.text):
        return f"an argument of role {found.group(1)}"
    if found := _VALUE.search(failure.text):
        return f"'{found.group(1)}' of the task at {failure.where}"
    return f"the task at {failure.where}"

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable of a role or component has a value that is not allowed."""

from __future__ import annotations

import re
import shlex

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
)

_ROLE = re.compile(r"\bRole (\w+)[: ]")
_NAMED = (
    re.compile(r"argument '(\w+)' is of type"),
    re.compile(r"value of (\w+) must be"),
    re.compile(r"missing required arguments?: (\w+)"),
    re.compile(r"Elements? value for option '(\w+)'"),
    re.compile(r"\b([a-z]\w*_\w+) (?:is|has|must|names|holds)\b[^.]*\b(?:wanted|must|expected)"),
)


def look(failure: Failure, site: Site) -> Cause | None:
    """Return the cause when a check of arguments refused a value."""
    name = next((m.group(1) for p in _NAMED if (m := p.search(failure.text)) and m.group(1)), "")
    if not name:
        return None
    role = _ROLE.search(failure.text)
    owner = f" (role {role.group(1)})" if role else ""
    shown = f"ansible-playbook playbooks/show_config.yml -i {shlex.quote(site.inventory)}"
    said = failure.text.strip().splitlines()[0].partition(". Correct")[0]
    said = said.removeprefix(role.group(0)) if role else said
    return Cause(
        f"variable {name}{owner} has a wrong value: {said.strip()}",
        CONTROLLER,
        f"{shown} | grep {name}",
        f"Correct {name} in the inventory, or, where it is derived, the variable that the role's"
        " defaults make it from; what is allowed stands in docs/reference.",
    )

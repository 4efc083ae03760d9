# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specifications of roles, checked before a host is asked."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.plugin_utils.role_files import RoleFiles

ENTRY_POINT = "main"


def check_arguments(role: RoleFiles, templar: Any, loader: Any, variables: dict[str, Any]) -> None:
    """Check the variables of `role` against its entry point `main`.

    Raises:
        InputError: a value is missing or wrong; every finding is named, none is printed twice.
    """
    if not role.specs.is_file():
        return
    document = loader.load_from_file(str(role.specs), unsafe=True) or {}
    entry = (document.get("argument_specs") or {}).get(ENTRY_POINT) or {}
    options = entry.get("options") or {}
    given = {name: variables[name] for name in options if name in variables}
    try:
        values = templar.template(given)
    except AnsibleError as error:
        raise InputError(f"Role {role.name}: an argument cannot be resolved: {error}") from error
    outcome = ArgumentSpecValidator(options).validate(values, validate_role_argument_spec=True)
    if outcome.error_messages:
        found = "; ".join(dict.fromkeys(outcome.error_messages))
        raise InputError(
            f"Role {role.name}: {found}. Correct the inventory; what is allowed stands in "
            f"{role.shown(role.specs)}."
        )

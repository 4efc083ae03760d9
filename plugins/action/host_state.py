# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of host_state: load, check and render declarations, then make one call."""

from __future__ import annotations

import getpass
import os
import socket
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.host import declare
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import HOST
from ansible_collections.biomax.platform.plugins.plugin_utils.approved import approval_of
from ansible_collections.biomax.platform.plugins.plugin_utils.role_files import find_role
from ansible_collections.biomax.platform.plugins.plugin_utils.role_render import RoleRenderer
from ansible_collections.biomax.platform.plugins.plugin_utils.role_specs import check_arguments
from ansible_collections.biomax.platform.plugins.plugin_utils.role_tags import chosen_roles

_OPTIONS = {
    "roles": {"type": "list", "elements": "str", "required": True},
    "disruptive": {"type": "str", "choices": ["apply", "defer"], "default": "apply"},
    "member": {"type": "bool"},
    "mirrors": {"type": "list", "elements": "dict", "default": []},
    "mirror_ca_certificate": {"type": "str", "default": ""},
    "bundle_public_key": {"type": "str", "default": ""},
    "lock_seconds": {"type": "int", "default": 60},
    "plan_file": {"type": "path", "default": ""},
    "membership": {"type": "dict"},
}


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Render the declarations of all roles and send them to the host in one module call."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action; `tmp` is unused, as in every action of today."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        roles = chosen_roles(options["roles"], self._task)
        if not roles:
            return {**result, "skipped": True, "skip_reason": "no role is chosen by the tags"}
        try:
            resources = self._declared(roles, variables)
            host = str(variables.get("inventory_hostname", ""))
            approval = approval_of(options["plan_file"], HOST, host)
        except InputError as error:
            raise AnsibleActionFail(str(error)) from error
        arguments = {
            **options,
            "roles": roles,
            "resources": [item.as_dict() for item in resources],
            "holder": self._holder(variables),
            "approved": approval.as_arguments() if approval else None,
        }
        result.update(
            self._execute_module(
                module_name="biomax.platform.host_state",
                module_args=arguments,
                task_vars=variables,
            )
        )
        result.pop("invocation", None)  # it would repeat every file, also the sensitive ones
        return result

    def _declared(self, roles: list[str], variables: dict[str, Any]) -> list[declare.Declared]:
        """Return the checked declarations of all roles.

        Raises:
            InputError: a role is not found, an argument is wrong, or a declaration is.
        """
        declared: list[declare.Declared] = []
        for name in roles:
            role = find_role(name, self._task, variables)
            check_arguments(role, self._templar, self._loader, variables)
            renderer = RoleRenderer(role, self._templar, self._loader, variables)
            try:
                declared += renderer.declarations()
            except AnsibleError as error:
                raise InputError(f"Role {name}: {error}") from error
        return declare.merge(declared)

    def _holder(self, variables: dict[str, Any]) -> dict[str, str]:
        """Return who runs this call, for the message of a call that has to wait."""
        play = variables.get("ansible_play_name", "")
        return {
            "controller": socket.gethostname(),
            "user": getpass.getuser(),
            "run": f"{play} (ansible-playbook pid {os.getppid()})",
        }

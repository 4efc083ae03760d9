# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives the module the part of a plan file that binds it; see modules/registry_images.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import IMAGES
from ansible_collections.biomax.platform.plugins.plugin_utils.approved import approval_of


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Read the plan file on the controller, then run the module on the mirror."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        given = dict(self._task.args)
        host = str(variables.get("inventory_hostname", ""))
        try:
            approval = approval_of(str(given.get("plan_file") or ""), IMAGES, host)
        except PlatformError as error:
            raise AnsibleActionFail(str(error)) from error
        answer = self._execute_module(
            module_name="biomax.platform.registry_images",
            module_args={**given, "approved": approval.as_arguments() if approval else None},
            task_vars=variables,
        )
        return {**result, **answer}

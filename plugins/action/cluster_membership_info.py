# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a member after any job on it; see plugins/modules/cluster_membership_info.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.biomax.platform.plugins.module_utils.membership.following import follow


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Call the module until nothing runs on the host; print a line for each step."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        super().run(tmp, task_vars)
        host = str((task_vars or {}).get("inventory_hostname", ""))

        def ask(offset: int) -> dict[str, Any]:
            arguments = {**self._task.args, "offset": offset}
            answer: dict[str, Any] = self._execute_module(
                module_name="biomax.platform.cluster_membership_info",
                module_args=arguments,
                task_vars=task_vars,
            )
            return answer

        return follow(ask, lambda line: Display().display(f"{host} | {line}"))

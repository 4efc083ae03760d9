# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what the module made on the controller; documented in plugins/modules/cluster_access.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import durable


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Run the module on a control plane and write its secrets to files, never to the result."""

    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        super().run(tmp, task_vars)
        answer: dict[str, Any] = self._execute_module(
            module_name="biomax.platform.cluster_access",
            module_args=self._task.args,
            task_vars=task_vars,
        )
        if answer.get("failed") or answer.get("unreachable"):
            return answer
        directory = Path(str(self._task.args["state_dir"]))
        sealed = dict(answer["sealed"])
        path = directory / "kubeconfig"
        try:
            if answer["kubeconfig"]:
                for name, text in sealed.items():
                    durable.write_file(directory / "escrow" / name, str(text).encode())
                durable.write_file(path, str(answer["kubeconfig"]).encode())
        except PlatformError as error:
            raise AnsibleActionFail(f"Cannot keep the cluster's access: {error}") from error
        return {"changed": True, "path": str(path), "escrow": sorted(sealed)}

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves from outside that the cluster works, and writes the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.report import (
    report_of,
    write_report,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.verify import verify
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

_SPEC = {
    "members": {"type": "list", "elements": "dict", "required": True},
    "kubeconfig": {"type": "path", "required": True},
    "deadline_seconds": {"type": "int", "default": 150},
    "absent": {"type": "list", "elements": "str", "default": []},
    "report": {"type": "path", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Everything runs in this process on the controller: no connection, no module is copied."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask until the cluster is as promised; fail with the list of what is missing."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, checked = self.validate_argument_spec(_SPEC)
        arguments = json.loads(json.dumps(checked))
        if self._task.check_mode and not Path(arguments["kubeconfig"]).is_file():
            return {**result, "changed": False, "msg": "There is no cluster to verify yet."}
        try:
            client = open_client(arguments["kubeconfig"], retry_seconds=0.0)
            names = [str(member["name"]) for member in arguments["members"]]
            deadline = 0.0 if self._task.check_mode else float(arguments["deadline_seconds"])
            checks, seconds = verify(client, names, arguments["absent"], deadline)
            report = report_of(checks, seconds, dict(client.requests))
            if arguments["report"] and not self._task.check_mode:
                write_report(Path(arguments["report"]), report)
                result["report_file"] = arguments["report"]
        except PlatformError as error:
            raise AnsibleActionFail(str(error)) from error
        for check in checks:
            Display().display(check.line())
        if report["ok"] or self._task.check_mode:
            return {**result, **report}
        lines = "; ".join(check.line() for check in checks if not check.ok)
        return {
            **result,
            "failed": True,
            "msg": f"The cluster is not as promised after {seconds:g} s. {lines}",
        }

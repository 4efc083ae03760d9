# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives nodes the labels and taints of their pools."""

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import UnreachableError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.pools_run import (
    reconcile_pools,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import NODE_POOLS
from ansible_collections.biomax.platform.plugins.plugin_utils.approved import approval_of

_SPEC = {
    "pools": {"type": "dict", "required": True},
    "members": {"type": "list", "elements": "dict", "required": True},
    "kubeconfig": {"type": "path", "required": True},
    "sizing": {"type": "str", "choices": ["lab", "mvp", "scale"], "default": "mvp"},
    "absent": {"type": "list", "elements": "str", "default": []},
    "plan_file": {"type": "path", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Everything runs in this process on the controller: no connection, no module is copied."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """List the nodes once, plan, and unless in check mode patch what differs."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, checked = self.validate_argument_spec(_SPEC)
        # Values of the inventory carry their origin; plain copies can be dumped and compared.
        arguments = json.loads(json.dumps(checked))
        try:
            result |= self._reconcile(arguments, check=bool(self._task.check_mode))
        except PlatformError as error:
            raise AnsibleActionFail(str(error)) from error
        if not self._task.diff:
            result.pop("diff", None)
        return result

    @staticmethod
    def _reconcile(arguments: dict[str, Any], *, check: bool) -> dict[str, Any]:
        """Reconcile; in check mode the cluster may be absent, which is said in a warning."""
        declared = (arguments["pools"], arguments["members"])
        small = arguments["sizing"] == "lab" or bool(arguments["absent"])
        approval = approval_of(arguments["plan_file"], NODE_POOLS)
        try:
            client = open_client(arguments["kubeconfig"], retry_seconds=0.0 if check else 20.0)
            return reconcile_pools(
                client, *declared, may_be_small=small, check=check, approval=approval
            )
        except UnreachableError as error:
            if not check:
                raise
            result = reconcile_pools(
                None, *declared, may_be_small=small, check=check, approval=approval
            )
            return {**result, "warnings": [f"Predicted without a cluster. {error}"]}

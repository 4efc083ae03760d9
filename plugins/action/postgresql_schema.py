# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies the migrations of a database that CloudNativePG runs, through the API server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    MissingError,
    UnreachableError,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.migrations import (
    read_migrations,
)
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.schema import (
    MigrationError,
    reconcile_schema,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import SCHEMA
from ansible_collections.biomax.platform.plugins.plugin_utils.approved import approval_of
from ansible_collections.biomax.platform.plugins.plugin_utils.pod_database import (
    DeadError,
    PodDatabase,
    cluster_path,
    primary_of,
)

_SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "namespace": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "database": {"type": "str", "required": True},
    "owner": {"type": "str", "required": True},
    "migrations": {"type": "path", "required": True},
    "seconds": {"type": "int", "default": 300},
    "absent": {"type": "list", "elements": "str", "default": []},
    "plan_file": {"type": "path", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Everything runs in this process on the controller: no connection, no module is copied."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Look at the database, plan, and unless in check mode apply what is pending."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, checked = self.validate_argument_spec(_SPEC)
        # Values of the inventory carry their origin; plain copies can be dumped and compared.
        arguments = json.loads(json.dumps(checked))
        try:
            result |= self._reconcile(arguments, check=bool(self._task.check_mode))
        except MigrationError as error:
            report = {"applied": error.applied, "changed": bool(error.applied)}
            return {**result, **report, "failed": True, "msg": str(error)}
        except PlatformError as error:
            raise AnsibleActionFail(str(error)) from error
        if not self._task.diff:
            result.pop("diff", None)
        return result

    def _reconcile(self, arguments: dict[str, Any], *, check: bool) -> dict[str, Any]:
        declared = read_migrations(Path(arguments["migrations"]))
        approval = approval_of(arguments["plan_file"], SCHEMA)
        try:
            database = self._open(arguments, retry_seconds=0.0 if check else 20.0)
        except DeadError as error:
            return {"changed": False, "plan": [], "warnings": [str(error)]}
        except (UnreachableError, MissingError):
            if not check:
                raise
            database = None
        return reconcile_schema(
            database, declared, arguments["owner"], check=check, approval=approval
        )

    @staticmethod
    def _open(arguments: dict[str, Any], retry_seconds: float) -> PodDatabase:
        """Find the primary.

        Raises:
            UnreachableError: There is no cluster, or no way to it.
            MissingError: Kubernetes knows no such database cluster.
            NotReadyError: It has no primary now.
            DeadError: Its primary was on a node that is known to be dead.
        """
        client = open_client(arguments["kubeconfig"], retry_seconds=retry_seconds)
        cluster = client.get(cluster_path(arguments["namespace"], arguments["cluster"]))
        container = primary_of(client, cluster, arguments["absent"])
        return PodDatabase(
            arguments["kubeconfig"], container, arguments["database"], arguments["seconds"]
        )

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a database as another one was at a second."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import converge
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.restore import (
    check_unused,
    check_window,
    close_archive,
    parse_target,
    restored_cluster,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.pod_database import (
    DeadError,
    PodDatabase,
    cluster_path,
    primary_of,
)

_SPEC = {
    "kubeconfig": {"type": "path", "required": True},
    "declaration": {"type": "dict", "required": True},
    "to": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "instances": {"type": "int", "default": 1},
    "archive_seconds": {"type": "int", "default": 120},
    "ready_seconds": {"type": "int", "default": 3600},
    "absent": {"type": "list", "elements": "str", "default": []},
}
_COMPONENT = "postgresql_restore"


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Everything runs in this process on the controller: no connection, no module is copied."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the time, and unless in check mode make the database and wait for it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, checked = self.validate_argument_spec(_SPEC)
        # Values of the inventory carry their origin; plain copies can be dumped and compared.
        arguments = json.loads(json.dumps(checked))
        try:
            result |= self._restore(arguments, check=bool(self._task.check_mode))
        except PlatformError as error:
            raise AnsibleActionFail(str(error)) from error
        if not self._task.diff:
            result.pop("diff", None)
        return result

    def _restore(self, arguments: dict[str, Any], *, check: bool) -> dict[str, Any]:
        started = time.monotonic()
        target = parse_target(arguments["to"], dt.datetime.now(dt.timezone.utc))
        declaration = arguments["declaration"]
        wanted = restored_cluster(declaration, arguments["name"], target, arguments["instances"])
        client = open_client(arguments["kubeconfig"], retry_seconds=20.0)
        existing = _cluster(client, wanted)
        check_unused(existing, wanted)
        live = _cluster(client, declaration)
        warnings = []
        if live is None:
            warnings = ["The live database is gone: how far its archive reaches is not known."]
        elif existing is None:
            check_window(target, live)
            if not check:
                warnings = self._close(client, live, arguments)
        options = Options(
            whole_platform=False,
            ready_seconds=arguments["ready_seconds"],
            absent=frozenset(arguments["absent"]),
        )
        done = converge(client, [(_COMPONENT, [wanted])], options, check=check)
        return {
            "changed": done["changed"],
            "plan": done["plan"],
            "diff": done["diff"],
            "restored": {
                "to": target.isoformat(),
                "service": f"{arguments['name']}-rw.{wanted['metadata']['namespace']}",
                "seconds": round(time.monotonic() - started, 1),
            },
            **({"warnings": warnings} if warnings else {}),
        }

    @staticmethod
    def _close(client: KubeClient, live: dict[str, Any], arguments: dict[str, Any]) -> list[str]:
        """Bring the archive up to now; a database that is down cannot, and its archive may do."""
        seconds = float(arguments["archive_seconds"])
        try:
            container = primary_of(client, live, arguments["absent"])
            close_archive(
                PodDatabase(arguments["kubeconfig"], container, "postgres", seconds), seconds
            )
        except (DeadError, MissingError) as error:
            return [f"The archive may end before the chosen time. {error}"]
        return []


def _cluster(client: KubeClient, item: dict[str, Any]) -> dict[str, Any] | None:
    try:
        found = client.get(cluster_path(item["metadata"]["namespace"], item["metadata"]["name"]))
    except MissingError:
        return None
    return dict(found)

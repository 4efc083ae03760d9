# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the plan of a site, or compares one with what is needed now; see modules/site_plan.py."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import (
    Attributes,
    write_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.siteplan import (
    document,
    phases,
    progress,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.collect import collect_parts
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.compare import (
    check_origin,
    check_unmoved,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.page import page

_SPEC = {
    "state": {"type": "str", "choices": ["written", "compared"], "default": "written"},
    "path": {"type": "path", "required": True},
    "site": {"type": "str", "required": True},
    "state_dir": {"type": "path", "required": True},
    "accept_derived": {"type": "bool", "default": False},
}
_CONTROLLER = "localhost"
_COLLECTION = Path(__file__).resolve().parents[2]


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Everything runs in this process on the controller: no connection, no module is copied."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset(_SPEC)

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(argument_spec=_SPEC)
        variables = task_vars or {}
        try:
            now = _plan_of(args, variables)
            act = self._write if args["state"] == "written" else self._compare
            return {**result, "changed": False, **act(args, now, variables)}
        except PlatformError as error:
            raise AnsibleActionFail(f"Site plan: {error}") from error

    @staticmethod
    def _write(
        args: Mapping[str, Any], now: document.SitePlan, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        times = progress.recorded_times(Path(args["state_dir"]))
        found = phases.phases(now, _members(variables["groups"]), times)
        path = Path(args["path"])
        text = page(now, found, str(path))
        document.write(path, now.document(phases.summary(now, found)))
        write_file(path.with_suffix(".txt"), text.encode(), Attributes(mode=0o600))
        Display().display("\n" + text)
        return {"steps": now.steps, "plan_file": args["path"], "msg": text.splitlines()[0]}

    def _compare(
        self, args: Mapping[str, Any], now: document.SitePlan, _variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        path = Path(args["path"])
        approved = document.read(path)
        check_origin(approved, now, str(path))
        begun = progress.is_begun(path)
        if not check_unmoved(approved, now, str(path), under_way=begun):
            text = f"The plan {path} of {approved.made} has nothing left to do."
        else:
            text = f"{now.steps} steps are as planned in {path} of {approved.made}."
            if begun:
                text += " Its run began before and goes on from there."
            elif not self._run_is_check():
                progress.begin(path)
        Display().display(text)
        return {"steps": now.steps, "plan_file": str(path), "msg": text}

    @staticmethod
    def _run_is_check() -> bool:
        """Whether the whole run is a check; the task itself always is one."""
        return bool(context.CLIARGS.get("check"))


def _plan_of(args: Mapping[str, Any], variables: Mapping[str, Any]) -> document.SitePlan:
    """Gather what this run would do now."""
    hosts = [str(host) for host in variables["ansible_play_hosts_all"]]
    parts = collect_parts(variables["hostvars"], hosts, _CONTROLLER)
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    # Registered values carry their origin; plain copies can be compared and written.
    plain = json.loads(json.dumps([list(part.rows) for part in parts]))
    copies = [
        document.Part(p.name, p.host, tuple(rows), p.deferred, p.disruptive, p.open_kinds)
        for p, rows in zip(parts, plain, strict=True)
    ]
    return document.SitePlan(_origin(args["site"]), made, tuple(copies), args["accept_derived"])


def _origin(site: str) -> document.Origin:
    chosen = context.CLIARGS
    return document.Origin(
        site=str(site),
        inventory=document.inventory_sum(chosen.get("inventory") or ()),
        limit=str(chosen.get("subset") or ""),
        tags=tuple(sorted(chosen.get("tags") or ())),
        skip_tags=tuple(sorted(chosen.get("skip_tags") or ())),
        collection=_version(),
    )


def _version() -> str:
    """Return the collection's version, from a checkout or from what was installed."""
    installed = _COLLECTION / "MANIFEST.json"
    if installed.is_file():
        return str(json.loads(installed.read_text())["collection_info"]["version"])
    return str(yaml.safe_load((_COLLECTION / "galaxy.yml").read_text())["version"])


def _members(groups: Mapping[str, Any]) -> phases.Members:
    names = ("mirror", "kube_control_plane", "kube_node", "absent")
    return phases.Members(*(tuple(map(str, groups.get(name, ()))) for name in names))

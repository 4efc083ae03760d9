# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans membership on the controller; documented in plugins/modules/cluster_membership_plan.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    access,
    kubeadm,
    orders,
    planner,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.seen import observations
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import Settings
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import MEMBERSHIP
from ansible_collections.biomax.platform.plugins.plugin_utils.approved import approval_of

ARGUMENTS = {
    "members": {"type": "list", "elements": "dict", "required": True},
    "absent_control_planes": {"type": "list", "elements": "str", "default": []},
    "settings": {"type": "dict", "required": True},
    "pools": {"type": "dict", "default": {}},
    "state_dir": {"type": "path", "required": True},
    "plan_file": {"type": "path", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Read what the hosts said, plan, and say what will happen."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset(ARGUMENTS)

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            settings = Settings.from_arguments(args["settings"])
            declared = [entry["name"] for entry in settings.control_planes]
            absent = args["absent_control_planes"]
            site = orders.Site(
                control_planes=[name for name in declared if name not in absent],
                members=args["members"],
                absent_control_planes=absent,
                version=settings.version,
                pools=args["pools"],
                configuration=kubeadm.configuration_hash(settings),
            )
            names = [str(member["name"]) for member in site.members]
            seen = observations(names, (task_vars or {})["hostvars"])
            plan = planner.make_plan(site.inventory(), seen)
            for warning in [*plan.warnings, *orders.describe_drift(plan)]:
                Display().warning(warning)
            orders.check_refusals(plan)
            found = orders.make_orders(site, plan, seen)
            steps = orders.steps(site, plan, seen)
            approval = approval_of(args["plan_file"], MEMBERSHIP)
            if approval:
                approval.verify(steps, check=bool(self._task.check_mode))
        except PlatformError as error:
            raise AnsibleActionFail(str(error)) from error
        why = _why_complete(plan, seen, Path(args["state_dir"]))
        lines = orders.describe(plan)
        for line in [*lines, *([f"controller | access: {why}"] if why else [])]:
            Display().display(line)
        found["complete_on"] = _first(plan) if why else ""
        result |= {"changed": False, "msg": "; ".join(lines) or "nothing to do", **found}
        result["steps"] = steps
        return result


def _why_complete(plan: planner.Plan, seen: planner.Observations, state_dir: Path) -> str:
    """Why the closing play is needed: something is done, or the controller's access is not good."""
    if plan.names(planner.INIT, planner.JOIN, planner.FINISH):
        return "the cluster changes"
    if plan.revoke:
        return "credentials of an earlier join are still in the cluster"
    if not plan.leader:
        return ""
    live = [item for item in seen.values() if item["api_ready"]]
    missing = access.missing_escrow(
        state_dir / "escrow", [name for item in live for name in item["escrow"]]
    )
    if missing:
        return f"the sealed copy {missing[0]} is not on the controller"
    return access.why_renew(state_dir / "kubeconfig", [str(item["ca"]) for item in live])


def _first(plan: planner.Plan) -> str:
    """The observed host on which the closing play runs; what it does is delegated to the leader."""
    return plan.leader if plan.leader in plan.hosts else next(iter(plan.hosts), "")

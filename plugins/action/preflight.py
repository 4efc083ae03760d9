# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges a site before anything is changed; documented in plugins/modules/preflight.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import (
    Attributes,
    write_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.module_utils.preflight.authority import (
    kubeconfig_authority,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import stops
from ansible_collections.biomax.platform.plugins.module_utils.preflight.judge import Seen, judge
from ansible_collections.biomax.platform.plugins.module_utils.preflight.page import (
    Outcome,
    document,
    headline,
    page,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site
from ansible_collections.biomax.platform.plugins.plugin_utils.component_objects import (
    BundleManifests,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.preflight_inventory import (
    ROLES,
    InventoryReader,
    read_closed_list,
)


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Read the inventory and what the hosts said, run every check, report."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset(("registered", "report"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            argument_spec={
                "registered": {"type": "str", "required": True},
                "report": {"type": "path", "required": True},
            }
        )
        variables = task_vars or {}
        try:
            site, outcome = self._judge(args["registered"], args["report"], variables)
            _write(Path(args["report"]), document(outcome, site.text("site_name")))
        except PlatformError as error:
            raise AnsibleActionFail(f"Preflight: {error}") from error
        if outcome.findings or outcome.not_checked:
            Display().display("\n" + page(outcome) + "\n")
        problems = len(stops(outcome.findings))
        result |= {
            "changed": False,
            "problems": problems,
            "warnings": len(outcome.findings) - problems,
            "not_checked": len(outcome.not_checked),
            "report": args["report"],
            "msg": headline(outcome),
        }
        if problems:
            result["failed"] = True
            result["msg"] += f" Correct what is listed above, or in {args['report']}."
        return result

    def _judge(
        self, register: str, report: str, variables: Mapping[str, Any]
    ) -> tuple[Site, Outcome]:
        """Collect what is declared and what was seen, and judge it."""
        closed = read_closed_list()
        reader = InventoryReader(self._loader, self._templar, variables, [ROLES])
        site = reader.site(closed)
        manifests = BundleManifests(site.text("bundle_dir"), site.text("bundle_public_key"))
        needs, unreadable = reader.needs(manifests)
        facts, unreached = _results(register, variables)
        state = Path(report).parent
        formed = any(item["cluster_ca"] and item["managed"] for item in facts.values())
        hashes = Hashes(state / "bundle-hashes.json")
        seen = Seen(
            facts=facts,
            unreached=unreached,
            controller_ca=_controller_authority(state / "kubeconfig"),
            kubelets=_kubelets(state / "kubeconfig") if formed else {},
            needs=needs,
            unreadable=unreadable,
            sha256=hashes.sha256,
        )
        outcome = judge(site, closed, seen)
        state.mkdir(parents=True, exist_ok=True)
        hashes.save()
        return site, outcome


def _results(
    register: str, variables: Mapping[str, Any]
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """Split the collector's results into facts and reasons why there are none, by host."""
    facts: dict[str, Mapping[str, Any]] = {}
    unreached: dict[str, str] = {}
    for host in variables["ansible_play_hosts_all"]:
        outcome = variables["hostvars"][host].get(register)
        if isinstance(outcome, Mapping) and "host" in outcome:
            facts[str(host)] = outcome["host"]
        elif isinstance(outcome, Mapping):
            unreached[str(host)] = _reason(outcome)
        else:
            unreached[str(host)] = f"nothing is registered as {register}"
    return facts, unreached


def _reason(outcome: Mapping[str, Any]) -> str:
    """Take from a failed result what the operator needs: the error, without Ansible's prefix."""
    detail = outcome.get("module_stderr") or outcome.get("msg") or "the collector returned nothing"
    return str(detail).removeprefix("Task failed: ")


def _controller_authority(kubeconfig: Path) -> str:
    """Return the authority of the controller's kubeconfig; empty when there is none."""
    try:
        return kubeconfig_authority(yaml.safe_load(kubeconfig.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError):
        return ""


def _kubelets(kubeconfig: Path) -> dict[str, str]:
    """Ask the API for the kubelets' versions; none when it does not answer, or not to us."""
    try:
        nodes = open_client(str(kubeconfig), retry_seconds=0).get("/api/v1/nodes")["items"]
    except PlatformError:
        return {}  # whether the API is healthy is proven by the steps that need it
    return {
        node["metadata"]["name"]: str(node["status"]["nodeInfo"]["kubeletVersion"]).lstrip("v")
        for node in nodes
    }


def _write(path: Path, document: Mapping[str, Any]) -> None:
    """Write the report as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    write_file(path, text.encode(), Attributes(mode=0o644))

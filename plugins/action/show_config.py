# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows effective values without touching a host; documented in plugins/modules/show_config.py."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.config.rows import page, share
from ansible_collections.biomax.platform.plugins.module_utils.preflight.judge import Seen, judge
from ansible_collections.biomax.platform.plugins.module_utils.preflight.page import (
    document as preflight_document,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.page import (
    page as preflight_page,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.component_objects import (
    BundleManifests,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.config_reader import ConfigReader
from ansible_collections.biomax.platform.plugins.plugin_utils.preflight_inventory import (
    ROLES,
    InventoryReader,
    read_closed_list,
)


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Resolve the variables of every chosen host on the controller, judge the inventory, print."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset[str]()

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        variables = task_vars or {}
        closed = read_closed_list()
        try:
            inventory = InventoryReader(self._loader, self._templar, variables, [ROLES])
            site = inventory.site(closed)
            bundle = BundleManifests(site.text("bundle_dir"), site.text("bundle_public_key"))
            needs, unreadable = inventory.needs(bundle)
            outcome = judge(site, closed, Seen(needs=needs, unreadable=unreadable))
            reader = ConfigReader(self._loader, self._templar, variables, closed, site.definitions)
            hosts = [str(name) for name in variables["ansible_play_hosts_all"]]
            common, rest = share({host: reader.rows(host) for host in hosts})
        except PlatformError as error:
            raise AnsibleActionFail(f"Showing the configuration: {error}") from error
        Display().display("\n" + page(site.text("site_name"), common, rest) + "\n")
        if outcome.findings:
            Display().display(preflight_page(outcome) + "\n")
        return {
            **result,
            "changed": False,
            "common": [asdict(row) for row in common],
            "hosts": {host: [asdict(row) for row in rows] for host, rows in rest.items()},
            "findings": preflight_document(outcome, site.text("site_name"))["findings"],
        }

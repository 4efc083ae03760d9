# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the pod network: pure functions of module_utils, documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.flows import (
    failsafe_ports,
    ssh_ports,
    url_ports,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.pod_network import (
    pod_mtu,
    typha_resources,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.filter_errors import reporting


class FilterModule:
    """Map filter names to functions, as Ansible asks."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return reporting(
            {
                "failsafe_ports": failsafe_ports,
                "pod_mtu": pod_mtu,
                "ssh_ports": ssh_ports,
                "typha_resources": typha_resources,
                "url_ports": url_ports,
            }
        )

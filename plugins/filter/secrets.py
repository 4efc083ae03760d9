# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for secrets of services: pure functions of module_utils, documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.secrets.certificates import (
    internal_ca,
    service_certificate,
)
from ansible_collections.biomax.platform.plugins.module_utils.secrets.derive import (
    service_key,
    service_password,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.filter_errors import reporting


class FilterModule:
    """Map filter names to functions, as Ansible asks."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return reporting(
            {
                "internal_ca": internal_ca,
                "service_certificate": service_certificate,
                "service_key": service_key,
                "service_password": service_password,
            }
        )

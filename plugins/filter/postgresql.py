# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters for the database: pure functions of module_utils, documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.postgresql.restore import recovery
from ansible_collections.biomax.platform.plugins.plugin_utils.filter_errors import reporting


class FilterModule:
    """Map filter names to functions, as Ansible asks."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return reporting({"postgresql_recovery": recovery})

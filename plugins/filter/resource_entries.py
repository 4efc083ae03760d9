# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter `resource_entries`, documented beside this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.biomax.platform.plugins.module_utils.common.entries import resource_entries
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError


def _resource_entries(*args: Any, **kwargs: Any) -> list[dict[str, Any]]:
    """Call the function and give its error the filter's name."""
    try:
        return resource_entries(*args, **kwargs)
    except PlatformError as error:
        raise AnsibleFilterError(f"biomax.platform.resource_entries: {error}") from error


class FilterModule:
    """Map filter names to functions, as Ansible asks."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"resource_entries": _resource_entries}

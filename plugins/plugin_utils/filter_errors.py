# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed errors of filter functions, told to the operator with the filter's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError


def reporting(functions: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Wrap functions so that their typed errors carry the filter's full name.

    Args:
        functions: Functions by the name of their filter.

    Returns:
        The wrapped functions, as FilterModule.filters() returns them.
    """
    return {name: _reporting(name, function) for name, function in functions.items()}


def _reporting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except PlatformError as error:
            raise AnsibleFilterError(f"biomax.platform.{name}: {error}") from error

    return filtered

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes quantities, compared by value: ``1000m`` is ``1`` and ``1024Mi`` is ``1Gi``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_FACTORS = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}
_FORM = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([numkMGTPE]|[KMGTPE]i)?")

# Parents of fields that the API types as quantities; only below them may text be compared by value.
_PARENTS = frozenset({"requests", "limits", "hard", "capacity", "sizeLimit", "divisor"})


def parse_quantity(text: object) -> Decimal:
    """Parse a quantity.

    Args:
        text: Such as ``100m``, ``1.5``, ``64Mi``, ``1e3`` or a plain number.

    Returns:
        Its exact value in units (cores, bytes).

    Raises:
        InputError: It is no quantity.
    """
    found = _FORM.fullmatch(str(text).strip()) if isinstance(text, (str, int, float)) else None
    if found is None or isinstance(text, bool):
        raise InputError(f"Expected a quantity such as 100m or 64Mi, found {text!r}.")
    try:
        return Decimal(found[1]) * _FACTORS[found[2] or ""]
    except InvalidOperation as error:
        raise InputError(f"Expected a quantity such as 100m or 64Mi, found {text!r}.") from error


def same_value(wanted: Any, live: Any, path: tuple[str, ...]) -> bool:
    """Tell whether two leaves are equal, quantities by value and everything else exactly.

    Args:
        wanted: Declared value.
        live: Live value.
        path: Path of the leaf, which tells whether it is a quantity.

    Returns:
        True when they mean the same.
    """
    if type(wanted) is type(live) and wanted == live:
        return True
    if isinstance(wanted, Mapping) or isinstance(live, Mapping):
        return False
    if not _PARENTS.intersection(path[-2:]):
        return False
    try:
        return parse_quantity(wanted) == parse_quantity(live)
    except InputError:
        return False

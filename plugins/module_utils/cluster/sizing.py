# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas of namespaces, summed from what services request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.quantity import (
    parse_quantity,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.nearest import did_you_mean

Row = Mapping[str, Any]

_KEYS = {"service", "namespace", "replicas", "cpu", "memory"}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
_LARGEST_POD = 2  # times the largest service's request: room for its limit


def namespace_quotas(
    rows: Sequence[Row], namespaces: Sequence[str], headroom: int
) -> dict[str, dict[str, Any]]:
    """Sum the requests of each namespace.

    Args:
        rows: ``service``, ``namespace``, ``replicas``, ``cpu`` and ``memory`` of one replica, and
            ``storage`` of one if it has a volume; quantities as Kubernetes writes them.
        namespaces: The namespaces that get a quota.
        headroom: What is added to the sums, in percent.

    Returns:
        By namespace: ``hard`` of its ResourceQuota and ``limits`` of its LimitRange. No service
        there may have a port on the nodes.

    Raises:
        InputError: A row is wrong, or a namespace has no row: its quota would admit nothing.
    """
    for row in rows:
        _check(row, namespaces)
    return {name: _quota(name, rows, Decimal(100 + headroom) / 100) for name in namespaces}


def _quota(namespace: str, rows: Sequence[Row], factor: Decimal) -> dict[str, Any]:
    own = [row for row in rows if row["namespace"] == namespace]
    if not own:
        raise InputError(
            f"Sizing: namespace {namespace} has no service, so its quota would admit nothing."
        )
    largest = {
        key: _LARGEST_POD * max(_value(row, key) for row in own) for key in ("memory", "storage")
    }
    limits = [{"type": "Pod", "max": {"memory": _bytes(largest["memory"])}}]
    if largest["storage"]:
        limits.append(
            {"type": "PersistentVolumeClaim", "max": {"storage": _bytes(largest["storage"])}}
        )
    hard = {
        "requests.cpu": _cores(_sum(own, "cpu") * factor),
        "requests.memory": _bytes(_sum(own, "memory") * factor),
        "requests.storage": _bytes(_sum(own, "storage") * factor),
        "services.nodeports": "0",
    }
    return {"hard": hard, "limits": limits}


def _sum(rows: Sequence[Row], key: str) -> Decimal:
    return sum((row["replicas"] * _value(row, key) for row in rows), Decimal(0))


def _value(row: Row, key: str) -> Decimal:
    try:
        return parse_quantity(row.get(key, "0"))
    except InputError as error:
        raise InputError(f"Sizing: Service {row['service']}: {error}") from error


def _cores(value: Decimal) -> str:
    """Write cores as the API server does, in thousandths where they are not whole."""
    milli = int((value * 1000).to_integral_value(ROUND_UP))
    return f"{milli}m" if milli % 1000 else str(milli // 1000)


def _bytes(value: Decimal) -> str:
    """Write bytes as the API server does: the largest unit in which they are whole."""
    number, unit = int(value.to_integral_value(ROUND_UP)), 0
    while number and number % 1024 == 0 and unit < len(_BINARY) - 1:
        number, unit = number // 1024, unit + 1
    return f"{number}{_BINARY[unit]}"


def _check(row: Row, namespaces: Sequence[str]) -> None:
    lacking, unknown = _KEYS - set(row), set(row) - _KEYS - {"storage"}
    title = f"Sizing: Service {row.get('service')}"
    if lacking or unknown:
        raise InputError(f"{title} lacks {sorted(lacking)} or has unknown {sorted(unknown)}.")
    if row["namespace"] not in namespaces:
        guess = did_you_mean(str(row["namespace"]), namespaces)
        raise InputError(f"{title}: namespace {row['namespace']!r} is none of ours. {guess}")
    replicas = row["replicas"]
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 1:
        raise InputError(f"{title}: replicas {replicas!r} is no number from 1.")

"""Plan files of the product, made of the rows that single calls returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Approval
from ansible_collections.biomax.platform.plugins.module_utils.siteplan import document
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import (
    CLUSTER,
    Origin,
    Part,
    SitePlan,
)

_ORIGIN = Origin("test", "none", "", (), (), "none")


def write_plan(path: Path, parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write a plan file for the cluster.

    Args:
        path: The file.
        parts: Rows by the name of the call, as siteplan.document names them.
    """
    made = tuple(Part(name, CLUSTER, tuple(rows)) for name, rows in parts.items())
    document.write(path, SitePlan(_ORIGIN, "now", made).document({}))


def approval_of(path: Path | None, part: str) -> Approval | None:
    """Return what a call must keep to by a plan file; None without one."""
    return document.read(path).approval(part, CLUSTER, str(path)) if path else None

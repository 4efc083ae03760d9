# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a plan file that binds a call of an action plugin."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Approval
from ansible_collections.biomax.platform.plugins.module_utils.siteplan import document


def approval_of(plan_file: str, part: str, host: str = document.CLUSTER) -> Approval | None:
    """Return what a call must keep to; None when no plan file binds the run.

    Raises:
        InputError: the file cannot be read.
    """
    if not plan_file:
        return None
    return document.read(Path(plan_file)).approval(part, host, plan_file)

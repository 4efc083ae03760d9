# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of host_state, one small file each; `KINDS` is their registry."""

from __future__ import annotations

from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.artifact import Artifact
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.directory import Directory
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.file import File
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.kernel_modules import (
    KernelModules,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.packages import Packages
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.swap import Swap
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.symlink import Symlink
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.sysctl import Sysctl
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.unit import Unit
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds.user import User
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Kind

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind
    for kind in (
        Packages(),
        Artifact(),
        File(),
        Directory(),
        Symlink(),
        Sysctl(),
        KernelModules(),
        Unit(),
        User(),
        Swap(),
    )
}

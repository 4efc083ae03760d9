# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of packages that somebody keeps from being installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_bundle import Need
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import Finding
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    CONTROL_PLANE,
    MIRROR,
    Site,
)

Facts = Mapping[str, Any]
# Roles whose packages go to some hosts only (playbooks/vars/host_layer.yml).
_ONLY_IN = {"mirror": MIRROR, "api_endpoint": CONTROL_PLANE, "control_plane": CONTROL_PLANE}


def check_packages(site: Site, host: str, facts: Facts, needs: Sequence[Need]) -> Iterator[Finding]:
    """Find holds and pins on packages that the roles of a host install.

    Args:
        site: The declared site.
        host: Name of the host.
        facts: What the collector returned there.
        needs: What the roles ask for.
    """
    for name in sorted({need.name for need in needs if _is_for(site, host, need)}):
        installed = name in facts["packages"]
        if name in facts["held"]:
            yield Finding(
                host,
                "packages/held-installed" if installed else "packages/held",
                f"{name} is held{'' if installed else ' and not installed'}",
                "no hold: apt refuses to install or update a held package",
                f"find out who wants the hold, then: apt-mark unhold {name}",
            )
        for pin in facts["pins"]:
            if not installed and fnmatchcase(name, pin["package"]):
                yield Finding(
                    host,
                    "packages/pinned",
                    f"{pin['file']} forbids {pin['package']} (priority {pin['priority']})",
                    f"{name} may be installed",
                    f"remove that preference, or one for {name} from it",
                )


def _is_for(site: Site, host: str, need: Need) -> bool:
    """Tell whether a role that needs a package runs on a host."""
    group = _ONLY_IN.get(need.role)
    return need.kind == "package" and (group is None or host in site.group(group))

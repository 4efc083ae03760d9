# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host that already holds a bundle's content lacks of today's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry, Index
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_bundle import SHORT
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import (
    BUNDLE,
    CONTAINERD,
    is_node,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    CONTROL_PLANE,
    Site,
)

_MIB = 1024 * 1024
# Images that run on control-plane hosts only.
_CONTROL_PLANE_IMAGES = frozenset(
    f"registry.k8s.io/{name}"
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
)


def missing_mib(site: Site, host: str, facts: Mapping[str, Any], index: Index) -> dict[str, int]:
    """Tell how much a host still has to take, in MiB by directory.

    Args:
        site: The declared site.
        host: Name of the host.
        facts: What the collector returned there.
        index: Index of the bundle on the controller.
    """
    missing = {}
    if facts["mirror_holds"] is not None:
        held = set(facts["mirror_holds"])
        missing[BUNDLE] = _volume(entry for entry in index.entries if _sum(entry) not in held)
    if is_node(site, host):
        held = set(facts["image_blobs"])
        worker = host not in site.group(CONTROL_PLANE)
        images = [entry for entry in index.of_kind("image") if _sum(entry) not in held]
        images = [item for item in images if not (worker and item.name in _CONTROL_PLANE_IMAGES)]
        # An image is kept twice: as the blob that was pulled and as the unpacked layer.
        missing[CONTAINERD] = 2 * _volume(images)
    return missing


def _volume(entries: Iterable[Entry]) -> int:
    return sum(entry.size for entry in entries) // _MIB


def _sum(entry: Entry) -> str:
    return (entry.sha256 or entry.digest.removeprefix("sha256:"))[:SHORT]

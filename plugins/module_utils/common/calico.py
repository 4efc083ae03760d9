# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that Calico's operator pulls for the resources it is given.

They stand in no manifest: the operator has their names and tags inside. Source: tigera/operator
1.40: pkg/components/calico.go (names; the tag is Calico's version), pkg/render (what is made when).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

OPERATOR_API = "operator.tigera.io/v1"
# Annotation of an Installation: the version that must run before it counts as ready.
READY_VERSION = "platform.biomax.ai/ready-version"
# By kind of resource: what each always leads to. GatewayAPI, Istio and others are not used here.
_ALWAYS: Mapping[str, tuple[str, ...]] = {
    "Installation": ("node", "cni", "typha", "kube-controllers"),
    "APIServer": ("apiserver",),
    "Goldmane": ("goldmane",),
    "Whisker": ("whisker", "whisker-backend"),
}
_SILENT = frozenset({"ImageSet", "TigeraStatus"})  # lead to no pod


def operator_images(objects: Iterable[Mapping[str, Any]]) -> set[str]:
    """List the images that the operator pulls for resources.

    Args:
        objects: Rendered objects; those of other APIs are passed over.

    Returns:
        Full names with tags; none when there is no resource of the operator.

    Raises:
        InputError: A kind whose images are not known here, or no Installation that says which
            version (annotation READY_VERSION) and registry.
    """
    resources = [item for item in objects if item["apiVersion"] == OPERATOR_API]
    if not resources:
        return set()
    main = next((item for item in resources if item["kind"] == "Installation"), {})
    tag = (main.get("metadata", {}).get("annotations") or {}).get(READY_VERSION)
    registry = main.get("spec", {}).get("registry")
    if not tag or not registry:
        raise InputError(f"The Installation needs annotation {READY_VERSION} and spec.registry.")
    found: set[str] = set(_optional(main["spec"]))
    for item in resources:
        kind = item["kind"]
        if kind not in _ALWAYS and kind not in _SILENT:
            raise InputError(f"Nobody wrote down which images {kind} {OPERATOR_API} leads to.")
        found |= set(_ALWAYS.get(kind, ()))
    return {f"{registry.rstrip('/')}/calico/{name}:{tag}" for name in found}


def _optional(spec: Mapping[str, Any]) -> Iterable[str]:
    """Yield the parts of an Installation that its fields switch on or off."""
    if spec.get("flexVolumePath") != "None":
        yield "pod2daemon-flexvol"
    if spec.get("kubeletVolumePluginPath") != "None":
        yield "csi"
        yield "node-driver-registrar"
    if spec.get("certificateManagement"):
        yield "key-cert-provisioner"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing forgotten: every image that the role's resources lead to is in the catalogue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.manifest import images_of
from ansible_collections.biomax.platform.plugins.module_utils.common.calico import (
    OPERATOR_API,
    READY_VERSION,
    operator_images,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

from lab.builder.catalogue import load_catalogue
from tests.support.calico_files import PATHS, bundle_files

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = load_catalogue(ROOT / "bundle/catalogue")
TEMPLATE = ROOT / "roles/network/objects/calico.yml.j2"


def resources() -> list[dict[str, Any]]:
    """Return the operator's resources of the role; values that it fills in do not matter here."""
    lines = TEMPLATE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("{%"))
    found = yaml.safe_load_all(re.sub(r"{{.*?}}", "1", text))
    return [item for item in found if item["apiVersion"] == OPERATOR_API]


def test_every_image_is_in_the_catalogue() -> None:
    known = {image.reference for image in CATALOGUE.upstream_images}
    operator = yaml.safe_load_all(bundle_files()[PATHS["tigera-operator.yaml"]])
    wanted = operator_images(resources()) | images_of(operator)
    assert len(wanted) == 6
    assert wanted == {name for name in known if "calico" in name or "tigera" in name}


def test_the_version_is_one_everywhere() -> None:
    versions = {item.version for item in CATALOGUE.manifests if "network" in item.used_by}
    (main,) = [item for item in resources() if item["kind"] == "Installation"]
    assert {f"v{version}" for version in versions} == {
        main["metadata"]["annotations"][READY_VERSION]
    }


@pytest.mark.parametrize(
    ("field", "value", "more"),
    [
        ("flexVolumePath", "/var/lib/plugins", {"pod2daemon-flexvol"}),
        ("kubeletVolumePluginPath", "/var/lib/kubelet", {"csi", "node-driver-registrar"}),
        ("certificateManagement", {"caCert": "x"}, {"key-cert-provisioner"}),
    ],
)
def test_a_field_that_adds_images(field: str, value: Any, more: set[str]) -> None:
    before, items = operator_images(resources()), resources()
    main = next(item for item in items if item["kind"] == "Installation")
    main["spec"][field] = value
    assert operator_images(items) - before == {f"quay.io/calico/{name}:v3.31.7" for name in more}


def test_what_nobody_wrote_down_is_an_error() -> None:
    unknown = {"apiVersion": OPERATOR_API, "kind": "GatewayAPI", "metadata": {"name": "x"}}
    with pytest.raises(InputError, match="images GatewayAPI"):
        operator_images([*resources(), unknown])
    with pytest.raises(InputError, match="needs annotation"):
        operator_images([unknown])
    assert operator_images([]) == set()

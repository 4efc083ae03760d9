# SPDX-License-Identifier: GPL-3.0-or-later
"""The two manifests of Calico that a bundle of the upstream builder holds: upstream's, or ours.

Upstream's files cannot be had on every machine. With BIOMAX_CALICO_MANIFESTS naming a directory
that holds operator-crds.yaml and tigera-operator.yaml of the right version, tests take those;
otherwise they take the stand-in beside this file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

STAND_IN = Path(__file__).with_name("calico_standin.yml")
VARIABLE = "BIOMAX_CALICO_MANIFESTS"
PATHS = {
    "operator-crds.yaml": "manifests/calico-definitions/3.31.7/operator-crds.yaml",
    "tigera-operator.yaml": "manifests/tigera-operator/3.31.7/tigera-operator.yaml",
}


def is_stand_in() -> bool:
    """Tell whether tests run against our stand-in."""
    return VARIABLE not in os.environ


def bundle_files() -> dict[str, bytes]:
    """Return the manifests by their path in a bundle."""
    if not is_stand_in():
        directory = Path(os.environ[VARIABLE])
        return {path: (directory / name).read_bytes() for name, path in PATHS.items()}
    found = yaml.safe_load(STAND_IN.read_text(encoding="utf-8"))
    definitions = [_definition(name, row) for name, row in found["definitions"].items()]
    contents = {
        "operator-crds.yaml": yaml.safe_dump_all(definitions),
        "tigera-operator.yaml": found["operator"],
    }
    return {PATHS[name]: text.encode() for name, text in contents.items()}


def _definition(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a CustomResourceDefinition of cluster-wide objects with version v1."""
    plural, _, group = name.partition(".")
    kind = row["kind"]
    schema = {"type": "object", "properties": row["schema"]}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}} if "status" in row["schema"] else {},
    }
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {"group": group, "scope": "Cluster", "names": names, "versions": [version]},
    }

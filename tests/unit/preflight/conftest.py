# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: the closed list that the collection ships, and a signed bundle."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    Entry,
    Index,
    dump_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_variables import (
    ClosedList,
    parse_closed_list,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

from tests.unit.preflight.examples import example_site

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def closed() -> ClosedList:
    """The closed list that the collection ships."""
    path = ROOT / "plugins/module_utils/preflight/site_variables.yml"
    return parse_closed_list(yaml.safe_load(path.read_text()))


@pytest.fixture(scope="session")
def signed_bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small signed bundle with what the clean site needs, and its public key."""
    base = tmp_path_factory.mktemp("bundle")
    packages = base / "bundle/apt/dists/platform/main/binary-amd64/Packages"
    packages.parent.mkdir(parents=True)
    packages.write_text("Package: runc\nVersion: 1\n\nPackage: mawk\nProvides: awk (= 1), posix\n")
    entries = list(_entries(packages, base / "bundle"))
    index = Index("source", "amd64", tuple(sorted(entries, key=lambda entry: entry.key)))
    (base / "bundle/index.json").write_bytes(dump_index(index))
    key = base / "key"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    sign = ["ssh-keygen", "-Y", "sign", "-n", "biomax-bundle", "-f", str(key)]
    for command in (make, [*sign, str(base / "bundle/index.json")]):
        subprocess.run(command, check=True, capture_output=True)
    return base / "bundle", key.with_suffix(".pub").read_text().strip()


def _entries(packages: Path, bundle: Path) -> Iterator[Entry]:
    yield Entry(
        "apt",
        "Packages",
        str(packages.relative_to(bundle)),
        packages.stat().st_size,
        sha256=sha256_file(packages),
    )
    kubelet = bundle / "files/kubelet"
    kubelet.parent.mkdir()
    kubelet.write_bytes(bytes(5 << 20))
    yield Entry("file", "kubelet", "files/kubelet", 5 << 20, "1.36.3", sha256=sha256_file(kubelet))
    images = [
        (f"registry.k8s.io/{name}", "v1.36.3")
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
    ]
    for name, tag in [*images, ("registry.k8s.io/etcd", "3.6.16-0")]:
        yield Entry("image", name, "images", 10 << 20, tag, digest="sha256:" + "b" * 64)


@pytest.fixture
def bundled_site(signed_bundle: tuple[Path, str]) -> Site:
    """The clean site with the signed bundle."""
    directory, key = signed_bundle
    base = example_site()
    variables = {**base.variables, "bundle_dir": str(directory), "bundle_public_key": key}
    return replace(base, variables=variables)


@pytest.fixture
def site() -> Site:
    """The clean site, whose bundle is not there."""
    return example_site()

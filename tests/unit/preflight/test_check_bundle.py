# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles ask for is compared with a bundle that is really signed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_bundle import (
    Bundle,
    Need,
    check_architecture,
    check_bundle,
    cluster_images,
    declared_needs,
    image_needs,
    open_bundle,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import Volume

from tests.unit.preflight.examples import VARIABLES, all_facts, example_facts


@pytest.fixture
def bundle(signed_bundle: tuple[Path, str]) -> Bundle:
    opened, findings = open_bundle(str(signed_bundle[0]), signed_bundle[1])
    assert findings == []
    assert opened is not None
    return opened


def test_the_bundle_tells_its_volume_and_packages(bundle: Bundle) -> None:
    assert bundle.volume == Volume(images_mib=50, bundle_mib=5)
    assert bundle.packages == {"runc", "mawk", "awk", "posix"}


def test_what_is_needed_is_there(bundle: Bundle) -> None:
    needs = [
        Need("file", "kubelet", "1.36.3", "kubernetes_node"),
        Need("file", "kubelet", "", "kubernetes_node"),
        Need("package", "awk", "", "base_os"),
        Need("package", "systemd", "", "base_os"),
        *cluster_images(VARIABLES),
    ]
    assert list(check_bundle(bundle, needs, all_facts())) == []


@pytest.mark.parametrize(
    ("need", "found"),
    [
        (
            Need("file", "kubelet", "1.35.4", "kubernetes_node"),
            "file kubelet 1.35.4 is not in the bundle (it has version 1.36.3)",
        ),
        (
            Need("file", "kubectl", "", "kubernetes_node"),
            "file kubectl is not in the bundle (it has no version)",
        ),
        (
            Need("image", "registry.k8s.io/etcd", "3.7.0-0", "kubeadm"),
            "image registry.k8s.io/etcd 3.7.0-0 is not in the bundle (it has version 3.6.16-0)",
        ),
    ],
)
def test_what_is_missing_is_named(bundle: Bundle, need: Need, found: str) -> None:
    (finding,) = check_bundle(bundle, [need, need], all_facts())
    assert finding.found == found
    assert need.role in finding.wanted


def test_a_package_is_missing_only_where_it_is_not_installed(bundle: Bundle) -> None:
    facts = all_facts(w1={"packages": ["systemd", "socat"]})
    (finding,) = check_bundle(bundle, [Need("package", "socat", "", "base_os")], facts)
    assert "not installed on m1, cp1, cp2, cp3)" in finding.found


def test_a_package_is_missing_when_no_host_was_seen(bundle: Bundle) -> None:
    assert list(check_bundle(bundle, [Need("package", "socat", "", "base_os")], {}))


def test_a_bundle_that_is_not_there() -> None:
    opened, (finding,) = open_bundle("/nonexistent", "ssh-ed25519 AAAA")
    assert opened is None
    assert "/nonexistent/index.json" in finding.found


def test_a_bundle_signed_by_another_key(signed_bundle: tuple[Path, str]) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    opened, (finding,) = open_bundle(str(signed_bundle[0]), key)
    assert opened is None
    assert "does not hold" in finding.found


def test_a_package_index_with_one_byte_flipped(
    signed_bundle: tuple[Path, str], tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(signed_bundle[0], tmp_path / "copy"))
    (packages,) = copy.rglob("Packages")
    packages.write_bytes(packages.read_bytes().replace(b"runc", b"rund"))
    opened, (finding,) = open_bundle(str(copy), signed_bundle[1])
    assert opened is None
    assert "not what the signed index lists" in finding.found


def test_a_host_of_another_architecture(bundle: Bundle) -> None:
    facts = {"w1": example_facts("w1", architecture="aarch64"), "cp1": example_facts("cp1")}
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    (finding,) = check_architecture(bundle, facts, names)
    assert (finding.host, finding.found) == ("w1", "the host is arm64, the bundle is for amd64")


def test_needs_of_declarations() -> None:
    entries: list[dict[str, Any]] = [
        {"artifact": "kubelet", "version": "1.36.3"},
        {"artifact": "containerd"},
        {"packages": ["runc", "conntrack"]},
        {"packages": ["snapd"], "state": "absent"},
        {"file": "/etc/hosts"},
    ]
    assert list(declared_needs("x", entries)) == [
        Need("file", "kubelet", "1.36.3", "x"),
        Need("file", "containerd", "", "x"),
        Need("package", "runc", "", "x"),
        Need("package", "conntrack", "", "x"),
    ]


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        ("registry.k8s.io/pause:3.10.2", "registry.k8s.io/pause", "3.10.2"),
        ("registry:5000/pause", "registry:5000/pause", ""),
        ("registry:5000/pause:3@sha256:aa", "registry:5000/pause", "3"),
        ("pause@sha256:aa", "pause", ""),
    ],
)
def test_needs_of_images(image: str, name: str, tag: str) -> None:
    defaults = {"x_pause_image": image, "x_image_dir": "/a:b", "x_other_image": ""}
    assert list(image_needs("x", defaults)) == [Need("image", name, tag, "x")]


def test_images_of_an_unknown_version_are_not_guessed() -> None:
    assert list(cluster_images({})) == []

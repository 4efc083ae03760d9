# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the bundle: everything that the roles will ask for is in it, and it is signed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Index
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
    verify_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    SITE,
    Finding,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import Volume

_MIB = 1024 * 1024
_LISTED = 3  # files that a message names
_BUILD = "add it to bundle/catalogue and build the bundle again, or correct the version"
# kubeadm starts these (`kubeadm config images list`, less CoreDNS, which is a component of ours).
_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")


@dataclass(frozen=True)
class Need:
    """Something that a role will ask the bundle for.

    Attributes:
        kind: ``file``, ``image``, ``manifest`` or ``package``.
        name: Its name.
        version: Its version or tag; empty when any will do.
        role: Who asks.
    """

    kind: str
    name: str
    version: str
    role: str


@dataclass(frozen=True)
class Bundle:
    """What the bundle on the controller holds, once its signature was verified."""

    index: Index
    packages: frozenset[str]

    @property
    def volume(self) -> Volume:
        """Return how much space the bundle takes, in MiB."""
        entries = self.index.entries
        images = sum(entry.size for entry in entries if entry.kind == "image")
        files = sum(entry.size for entry in entries if entry.kind != "image")
        return Volume(images_mib=images // _MIB, bundle_mib=files // _MIB)


def open_bundle(directory: str, public_key: str) -> tuple[Bundle | None, list[Finding]]:
    """Verify the bundle's index and read what it lists.

    Args:
        directory: The bundle on the controller (`bundle_dir`).
        public_key: The key that must have signed it.

    Returns:
        The bundle, or None with the finding that says why it cannot be used.
    """
    try:
        index = load_verified_index(directory, public_key)
        return Bundle(index, frozenset(_package_names(Path(directory), index))), []
    except (PlatformError, OSError) as error:
        finding = Finding(
            SITE,
            "bundle/unusable",
            f"the bundle cannot be used: {error}",
            "a complete bundle, signed by bundle_public_key",
            "build it (make bundle) or copy it there, or correct bundle_dir, bundle_public_key",
        )
        return None, [finding]


def declared_needs(role: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[Need]:
    """List what the declarations of a role ask for.

    Args:
        role: Name of the role.
        entries: Its resources/main.yml, templates resolved.
    """
    for entry in entries:
        if "artifact" in entry:
            yield Need("file", str(entry["artifact"]), str(entry.get("version") or ""), role)
        elif "packages" in entry and entry.get("state", "present") == "present":
            for name in entry["packages"]:
                yield Need("package", str(name), "", role)


def image_needs(role: str, defaults: Mapping[str, Any]) -> Iterator[Need]:
    """List the images that a role names in variables ending in ``_image``.

    Args:
        role: Name of the role.
        defaults: Values of the role's variables, templates resolved.
    """
    for name, value in defaults.items():
        if name.endswith("_image") and isinstance(value, str) and value:
            yield image_need(role, value)


def image_need(role: str, image: str) -> Need:
    """Return the need of one image.

    Args:
        role: Who asks.
        image: Full name with tag, as a pod names it.
    """
    repository, tag = _split_image(image)
    return Need("image", repository, tag, role)


def cluster_images(variables: Mapping[str, Any]) -> Iterator[Need]:
    """List the images that kubeadm starts.

    Args:
        variables: Site variables; ``kube_version`` and ``kube_etcd_image_tag`` are read.
    """
    version, etcd = variables.get("kube_version"), variables.get("kube_etcd_image_tag")
    for name in _CONTROL_PLANE if version else ():
        yield Need("image", f"registry.k8s.io/{name}", f"v{version}", "kubeadm")
    if etcd:
        yield Need("image", "registry.k8s.io/etcd", str(etcd), "kubeadm")


def check_bundle(
    bundle: Bundle, needs: Sequence[Need], facts_by_host: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """Find what the roles need and the bundle does not hold.

    A package that every host already has need not be in it.

    Args:
        bundle: The verified bundle.
        needs: What the roles ask for.
        facts_by_host: What the collector returned, by host.
    """
    for need in sorted(set(needs), key=lambda item: (item.kind, item.name, item.version)):
        if need.kind == "package":
            lacking = [
                host for host, facts in facts_by_host.items() if need.name not in facts["packages"]
            ]
            missing = need.name not in bundle.packages and bool(lacking or not facts_by_host)
            held = f"not installed on {', '.join(lacking)}"
        else:
            versions = [
                entry.version
                for entry in bundle.index.of_kind(need.kind)
                if entry.name == need.name
            ]
            missing = need.version not in versions if need.version else not versions
            held = f"it has version {', '.join(versions)}" if versions else "it has no version"
        if missing:
            label = f"{need.name} {need.version}".rstrip()
            yield Finding(
                SITE,
                "bundle/missing",
                f"{need.kind} {label} is not in the bundle ({held})",
                f"{label}, which {need.role} installs",
                _BUILD,
            )


def check_files(
    directory: str, index: Index, sha256: Callable[[Path], str] | None
) -> Iterator[Finding]:
    """Find files of the bundle that are missing or differ from the signed index.

    Args:
        directory: The bundle on the controller.
        index: Its verified index.
        sha256: Returns the sum of a file; it may remember those that did not change. None compares
            sizes only.
    """
    wrong = []
    for entry in index.entries:
        path = Path(directory, entry.path)
        if entry.kind == "image":
            continue  # its manifest, configuration and layers are entries of kind blob
        try:
            same = path.stat().st_size == entry.size
            same = same and (sha256 is None or sha256(path) == entry.sha256)
        except OSError:
            same = False
        wrong += [] if same else [entry.path]
    if wrong:
        more = f" and {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
        yield Finding(
            SITE,
            "bundle/damaged",
            f"{len(wrong)} files of {directory} are missing or not what the signed index lists:"
            f" {', '.join(wrong[:_LISTED])}{more}",
            "every file with its signed sum",
            "copy the bundle again, or build it again (make bundle)",
        )


def check_architecture(
    bundle: Bundle, facts_by_host: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]
) -> Iterator[Finding]:
    """Find hosts whose architecture is not the bundle's.

    Args:
        bundle: The verified bundle.
        facts_by_host: What the collector returned, by host.
        names: The bundle's name of an architecture by the kernel's.
    """
    for host, facts in facts_by_host.items():
        known = names.get(facts["architecture"])
        if known and known != bundle.index.arch:
            yield Finding(
                host,
                "bundle/architecture",
                f"the host is {known}, the bundle is for {bundle.index.arch}",
                "one architecture",
                "use a bundle that was built for the host's architecture",
            )


def _package_names(directory: Path, index: Index) -> Iterator[str]:
    """Read the names of packages, provided ones too, from the repository's verified index."""
    for entry in index.of_kind("apt"):
        path = Path(entry.path)
        if path.name != "Packages":
            continue
        verify_file(directory / path, entry)
        text = (directory / path).read_text(encoding="utf-8")
        yield from re.findall(r"^Package: (\S+)$", text, re.MULTILINE)
        for line in re.findall(r"^Provides: (.+)$", text, re.MULTILINE):
            yield from (item.split()[0] for item in line.split(","))


def _split_image(image: str) -> tuple[str, str]:
    """Split `registry/name:tag@digest` into name and tag; a port is no tag."""
    reference = image.partition("@")[0]
    head, _, tail = reference.rpartition(":")
    return (head, tail) if head and "/" not in tail else (reference, "")

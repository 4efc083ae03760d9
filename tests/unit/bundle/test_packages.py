"""Builds with Debian packages: locked, downloaded once, unpacked into images, offered to hosts."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Index
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)
from rich.console import Console

from lab.builder import repository
from lab.builder.apt import Apt, load_lock
from lab.builder.build import Outcome, run_build
from lab.builder.catalogue import Catalogue
from lab.builder.check import check_bundle
from lab.builder.context import Settings
from tests.support.bundle_inputs import document, write_checkout
from tests.support.debian_packages import ARCH, make_repository, source_of
from tests.support.spdx_list import SpdxList, problems

Builder = Callable[..., Outcome]
RELEASES = {"platform": ["hosts"], "newer": ["tool"]}


def catalogue(*roots: str) -> Catalogue:
    """Return the small catalogue, its image with the package `tool` and certificates."""
    parts: dict[str, Any] = document()
    parts["images"][0] |= {"packages": ["tool"], "certificates": True}
    parts["packages"] = {
        "release": "platform",
        "roots": [{"name": name, "used_by": ["a"]} for name in roots],
    }
    return Catalogue.model_validate(parts)


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a compiler cache that the tests of this file share."""
    return tmp_path_factory.mktemp("go-build")


@pytest.fixture
def place(tmp_path: Path, compiler: Path) -> Path:
    """Return a directory with a checkout, a cache and an apt source."""
    root, _ = make_repository(tmp_path / "served")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "sources.list.d").mkdir()
    (tmp_path / "etc" / "sources.list.d" / "test.sources").write_text(source_of(root))
    write_checkout(tmp_path / "checkout")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "go-build").symlink_to(compiler)
    return tmp_path


def build(place: Path, wanted: Catalogue, **choices: Any) -> Outcome:
    """Build `wanted` in `place`."""
    checkout = place / "checkout"
    settings = Settings(
        checkout, place / "bundle", checkout / "keys", "amd64", apt_dir=place / "etc", **choices
    )
    return run_build(settings, wanted, wanted, place / "cache", Console(quiet=True))


def checked(place: Path) -> Index:
    """Return the index of the bundle, which must be good."""
    public = (place / "checkout" / "keys" / "bundle_signing.pub").read_text()
    index, problems = check_bundle(place / "bundle", public, lambda _: None)
    assert problems == []
    return index


@pytest.mark.skipif(ARCH != "amd64", reason="the repository of the test has the machine's packages")
def test_packages_reach_the_image_and_the_hosts(place: Path) -> None:
    build(place, catalogue("tool"))
    index = checked(place)
    found = SpdxList(place / "bundle")
    assert problems(found.path) == []
    assert {"hello", "tool"} <= set(found.related("registry.example.com/team/hello", "CONTAINS"))
    tool = found.package("tool", "INSTALL")
    assert tool["licenseComments"] == "/usr/share/doc/tool/copyright in the package"
    assert tool["externalRefs"][0]["referenceLocator"].startswith("pkg:deb/debian/tool@")
    offered = {entry.name: entry.version for entry in index.of_kind("apt") if entry.version}
    assert offered == {"tool": "2:1.0-1", "base": "3"}
    client = Apt(place / "client", ARCH, source_of(place / "bundle" / "apt"))
    client.update()
    assert [package.name for package in client.solve(("tool",))] == ["base", "tool"]
    layers = [
        entry
        for entry in index.of_kind("blob")
        if entry.path.startswith("images/blobs") and entry.size > 10240
    ]
    with tarfile.open(place / "bundle" / layers[0].path) as layer:
        names = layer.getnames()
        certificates = layer.extractfile("etc/ssl/certs/ca-certificates.crt")
        assert certificates is not None
        assert certificates.read() == b"authority a\nauthority b\n"
    assert {"usr/bin/tool", "usr/lib/base.so", "lib", "usr/local/bin/hello"} <= set(names)
    assert not [name for name in names if "man1" in name or name.startswith("var")]


@pytest.mark.skipif(ARCH != "amd64", reason="the repository of the test has the machine's packages")
def test_an_image_may_unpack_packages_of_another_release(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(repository, "SUITE", "newer")
        root, _ = make_repository(place / "newer")
        (place / "etc/sources.list.d/newer.sources").write_text(source_of(root))
    parts = document()
    parts["images"][0] |= {"packages": ["tool"], "release": "newer"}
    hosts = [{"name": "base", "used_by": ["a"]}]
    parts["packages"] = {"release": "platform", "roots": hosts}
    build(place, Catalogue.model_validate(parts))
    checked(place)
    locks = {name: load_lock(place / f"checkout/bundle/lock/{name}-amd64.yml") for name in RELEASES}
    assert {name: list(lock.sets) for name, lock in locks.items() if lock} == RELEASES
    found = SpdxList(place / "bundle")
    assert problems(found.path) == []
    unpacked = {item["name"]: item.get("sourceInfo") for item in found.packages.values()}
    assert unpacked["tool"] == "Debian newer"


def test_a_second_build_downloads_and_signs_nothing(place: Path) -> None:
    build(place, catalogue("tool"))
    before = (place / "bundle/apt/dists/platform/InRelease").read_bytes()
    (place / "etc/sources.list.d/test.sources").unlink()  # apt could not even be asked
    again = build(place, catalogue("tool"))
    assert not again.changed
    assert (place / "bundle/apt/dists/platform/InRelease").read_bytes() == before


def test_the_lock_follows_the_catalogue_unless_it_may_not(place: Path) -> None:
    path = place / "checkout/bundle/lock/platform-amd64.yml"
    build(place, catalogue("tool"))
    first = path.read_bytes()
    with pytest.raises(InputError, match="without --locked and commit"):
        build(place, catalogue("base"), locked=True)
    assert path.read_bytes() == first
    build(place, catalogue("base"))
    lock = load_lock(path)
    assert lock is not None
    assert lock.sets["hosts"] == (("base",), ("base",))
    assert {entry.name for entry in checked(place).of_kind("apt") if entry.version} == {"base"}


def test_a_package_with_another_sum_than_locked_is_refused(place: Path) -> None:
    build(place, catalogue("tool"))
    path = place / "checkout/bundle/lock/platform-amd64.yml"
    lock = load_lock(path)
    assert lock is not None
    text = path.read_text()
    path.write_text(text.replace(lock.packages["tool"].sha256, "f" * 64))
    with pytest.raises(IntegrityError, match=r"tool 2:1\.0-1 with another sum"):
        build(place, catalogue("tool"))
    checked(place)


def test_a_damaged_package_in_the_cache_is_fetched_again(place: Path) -> None:
    build(place, catalogue("tool"))
    (path,) = (place / "bundle/apt/pool").glob("tool_*.deb")
    with path.open("r+b") as stream:  # the cache's file too: it is a hard link
        stream.write(b"?")
    assert build(place, catalogue("tool")).changed
    checked(place)


def test_no_source_of_the_release_is_said(place: Path) -> None:
    (place / "etc/sources.list.d/test.sources").unlink()
    with pytest.raises(InputError, match="name no suite of platform"):
        build(place, catalogue("tool"))

"""Bundles of the upstream builder: the same entries as from source, or a clear refusal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Index
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    PlatformError,
)
from rich.console import Console

from lab.builder.build import Outcome, run_build
from lab.builder.catalogue import Catalogue
from lab.builder.check import check_bundle
from lab.builder.context import Settings
from lab.builder.lockfile import write_lock
from lab.builder.upstream.lock import LockedFile, UpstreamLock, lock_path
from tests.support.bundle_inputs import build, document, write_checkout
from tests.support.release_server import Fault, ReleaseServer, serving
from tests.support.spdx_list import SpdxList, problems
from tests.support.upstream_inputs import DAY, HOST, publish, sha256

MANIFEST = b"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: hello\n"
ARCHIVE = "/hello-archive/amd64/hello-archive"
PROGRAM = "/hello/amd64/hello"


@dataclass
class Site:
    """A source bundle, servers that publish what is in it, and the upstream build of it."""

    root: Path
    server: ReleaseServer
    catalogue: Catalogue
    lock: UpstreamLock
    output: Path = field(init=False)

    def __post_init__(self) -> None:
        self.output = self.root / "upstream-bundle"
        self.write_lock()

    def write_lock(self) -> None:
        write_lock(lock_path(self.root, "amd64"), self.lock.text())

    def build(self) -> Outcome:
        settings = Settings(
            self.root,
            self.output,
            self.root / "keys",
            "amd64",
            builder="upstream",
            taken_from={HOST: self.server.url, "registry.example.com": self.server.url},
        )
        cache = self.root / "cache"
        return run_build(settings, self.catalogue, self.catalogue, cache, Console(quiet=True))

    def index(self, output: Path | None = None) -> Index:
        """Return the index of the bundle, which must be good."""
        public = (self.root / "keys" / "bundle_signing.pub").read_text()
        index, problems = check_bundle(output or self.output, public, lambda _: None)
        assert problems == []
        return index

    def blobs(self) -> list[str]:
        """Return the paths of the image's parts."""
        return sorted(path for path in self.server.files if "/blobs/" in path)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """Return a checkout with its bundle from source in `source-bundle`."""
    root = tmp_path_factory.mktemp("checkout")
    write_checkout(root)
    build(root, cache, root / "source-bundle")
    return root


@pytest.fixture
def site(checkout: Path, tmp_path: Path) -> Iterator[Site]:
    server = ReleaseServer()
    root = tmp_path / "site"
    root.mkdir()
    for name in ("keys", "programs", "source-bundle"):
        (root / name).symlink_to(checkout / name)
    catalogue = Catalogue.model_validate(document())
    with serving(server):
        yield Site(root, server, *publish(server, checkout / "source-bundle", catalogue))


def test_both_builders_give_the_same_entries(site: Site) -> None:
    assert site.build().changed
    ours, theirs = site.index(site.root / "source-bundle"), site.index()
    compared = ("apt", "file", "image", "manifest")
    assert (ours.builder, theirs.builder) == ("source", "upstream")
    without = [
        [{**entry.as_dict(), "source": ""} for entry in index.entries if entry.kind in compared]
        for index in (ours, theirs)
    ]
    assert without[0] == without[1]
    assert theirs.file("hello").source == f"downloaded from https://{HOST}{PROGRAM}"
    image = theirs.image("registry.example.com/team/hello")
    assert image.source.startswith("pulled as registry.example.com/team/hello@sha256:")


def test_the_list_says_where_each_part_was_taken_from(site: Site) -> None:
    site.build()
    found = SpdxList(site.output)
    assert problems(found.path) == []
    file = found.package("hello", "APPLICATION")
    assert file["downloadLocation"] == f"https://{HOST}{PROGRAM}"
    image = found.package("registry.example.com/team/hello", "CONTAINER")
    digest = site.index().image("registry.example.com/team/hello").digest
    assert image["downloadLocation"] == "https://registry.example.com"
    assert image["externalRefs"][0]["referenceLocator"] == (
        f"pkg:oci/hello@{digest}?repository_url=registry.example.com/team/hello&tag=v1.0.0"
    )
    assert found.related("hello", "GENERATED_FROM") == []
    assert found.document["creationInfo"]["created"] == f"{DAY}T00:00:00Z"


def test_a_manifest_that_only_upstream_has(site: Site) -> None:
    site.server.files["/objects/v1/hello.yaml"] = MANIFEST
    url = f"https://{HOST}/objects/v1/hello.yaml"
    manifest = {"name": "hello", "version": "1.0.0", "licence": "MIT", "used_by": ["a"]}
    published = {**manifest, "upstream": {"url": url}}
    site.catalogue = Catalogue.model_validate(
        {**site.catalogue.model_dump(), "manifests": [published], "files": (), "images": ()}
    )
    with pytest.raises(InputError, match=url):
        site.build()
    locked = LockedFile(sha256=sha256(MANIFEST), size=len(MANIFEST), seen_on=DAY)
    site.lock = UpstreamLock(files={url: locked})
    site.write_lock()
    site.build()
    (entry,) = site.index().of_kind("manifest")
    assert (entry.path, entry.sha256) == ("manifests/hello/1.0.0/hello.yaml", locked.sha256)
    assert entry.source == f"downloaded from {url}"


def test_a_manifest_whose_image_was_forgotten_ends_the_build(site: Site) -> None:
    pod = (
        b"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: 'a.b/c:1'}]}"
    )
    site.server.files["/objects/v1/pod.yaml"] = pod
    published = {"url": f"https://{HOST}/objects/v1/pod.yaml", "sha256": sha256(pod)}
    manifest = {"name": "pod", "version": "1", "licence": "MIT", "used_by": ["a"]}
    manifests = [{**manifest, "upstream": published}]
    site.catalogue = Catalogue.model_validate(
        {**site.catalogue.model_dump(), "manifests": manifests, "files": ()}
    )
    with pytest.raises(InputError, match=r"manifest pod 1 names .*a\.b/c:1 \(Pod p, spec\.cont"):
        site.build()
    assert not site.output.exists()


def test_nothing_changed_means_nothing_is_asked(site: Site) -> None:
    site.build()
    asked = len(site.server.requests)
    again = site.build()
    assert not again.changed
    assert again.reused == again.steps - 1
    assert len(site.server.requests) == asked


def test_what_is_not_pinned_is_named_before_anything_is_asked(site: Site) -> None:
    site.lock = UpstreamLock()
    site.write_lock()
    with pytest.raises(InputError) as refused:
        site.build()
    text = str(refused.value)
    assert "registry.example.com/team/hello:v1.0.0" in text
    assert f"https://{HOST}{ARCHIVE}" in text
    assert "lab/bundle lock" in text
    assert site.server.requests == []


def test_a_file_without_an_upstream_is_named(site: Site) -> None:
    files = (site.catalogue.files[0].model_copy(update={"upstream": None}),)
    site.catalogue = site.catalogue.model_copy(update={"files": files})
    with pytest.raises(InputError, match="no upstream release for hello"):
        site.build()


@pytest.mark.parametrize("path", [PROGRAM, ARCHIVE])
def test_a_wrong_release_ends_the_build_and_no_bundle_appears(site: Site, path: str) -> None:
    site.server.files[path] = b"Y" + site.server.files[path][1:]
    with pytest.raises(IntegrityError, match=f"{path}: expected sha256:.* found sha256:"):
        site.build()
    assert not site.output.exists()


def test_an_archive_without_the_program_is_told(site: Site) -> None:
    upstream = site.catalogue.files[1].upstream
    assert upstream is not None
    moved = upstream.model_copy(update={"members": {"hello": "elsewhere/hello"}})
    file = site.catalogue.files[1].model_copy(update={"upstream": moved})
    site.catalogue = site.catalogue.model_copy(update={"files": (file,)})
    with pytest.raises(PlatformError, match=r"no file elsewhere/hello: it has README, bin/hello"):
        site.build()


@pytest.mark.parametrize("what", ["blob", "manifest", "index"])
def test_a_wrong_part_of_an_image_is_refused(site: Site, what: str) -> None:
    (image,) = site.lock.images.values()
    manifests = [path for path in site.server.files if "/manifests/sha256:" in path]
    path = {
        "blob": site.blobs()[0],
        "manifest": next(path for path in manifests if not path.endswith(image.digest)),
        "index": next(path for path in manifests if path.endswith(image.digest)),
    }[what]
    data = site.server.files[path]
    site.server.files[path] = data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]
    with pytest.raises(IntegrityError, match=r"expected sha256:\w+, found sha256:"):
        site.build()
    assert not site.output.exists()


def test_an_image_for_other_machines_only_is_refused(site: Site) -> None:
    settings_arch = "linux/s390x"
    (reference,) = site.lock.images
    index = site.server.files[f"/v2/team/hello/manifests/{site.lock.images[reference].digest}"]
    other = index.replace(b'"amd64"', b'"arm64"')
    digest = f"sha256:{sha256(other)}"
    site.server.files[f"/v2/team/hello/manifests/{digest}"] = other
    locked = site.lock.images[reference].model_copy(update={"digest": digest})
    site.lock = UpstreamLock(images={reference: locked}, files=site.lock.files)
    site.write_lock()
    with pytest.raises(PlatformError, match=f"no image for linux/amd64: it has {settings_arch}"):
        site.build()


def test_a_registry_that_asks_for_a_token_gets_one(site: Site) -> None:
    site.server.token = sha256(b"of this test")
    site.catalogue = site.catalogue.model_copy(update={"files": ()})
    site.build()
    assert [entry.name for entry in site.index().of_kind("image")] == [
        "registry.example.com/team/hello"
    ]
    tokens = [path for _, path, _ in site.server.requests if path == "/token"]
    assert len(tokens) == 1


def test_a_damaged_cache_is_noticed_and_downloaded_again(site: Site) -> None:
    site.build()
    before = site.index()
    for path in (site.root / "cache").glob("release/*/*"):
        if not path.name.startswith("."):
            data = path.read_bytes()
            path.write_bytes(data[:100] + b"?" + data[101:])  # hard links: the bundle has it too
    for path in (site.root / "cache").glob("blob/*/*"):
        if not path.name.startswith("."):
            path.write_bytes(path.read_bytes() + b" ")
    site.build()
    assert site.index().entries == before.entries


def test_a_cut_pull_keeps_what_came(site: Site) -> None:
    layer = max(site.blobs(), key=lambda path: len(site.server.files[path]))
    size = len(site.server.files[layer])
    site.server.faults[layer] = [Fault(cut=size // 2)]
    site.build()
    assert site.server.sent[layer] == size

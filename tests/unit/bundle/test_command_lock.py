"""`lab/bundle lock`: what it writes, what a person sees, and that nothing is written on errors."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab.builder.catalogue import Catalogue
from tests.support.bundle_inputs import document
from tests.support.bundles import IMAGE, make_signer, write_bundle
from tests.support.checkout import bundle_command, copy_checkout
from tests.support.release_server import ReleaseServer, serving
from tests.support.upstream_inputs import HOST, serve_image, sha256

DATA = b"#!/bin/sh\necho hello\n"
PATH = "/hello/amd64/hello"
TAG = "/v2/team/probe/manifests/1.0"


@dataclass
class Site:
    """A checkout of its own, and the server that stands in for upstream's hosts."""

    root: Path
    server: ReleaseServer

    @property
    def path(self) -> Path:
        """Return where the lock is."""
        return self.root / "bundle" / "lock" / "upstream-amd64.yml"

    def lock(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the command against the server."""
        hosts = [f"--from={host}={self.server.url}" for host in (HOST, IMAGE.partition("/")[0])]
        cache = f"--cache-dir={self.root / 'cache'}"
        return bundle_command("lock", *hosts, cache, *options, root=self.root)

    def refused(self, *options: str) -> str:
        """Run a command that must end with one message and leave the lock as it is."""
        before = self.path.read_bytes() if self.path.exists() else None
        done = self.lock(*options)
        assert done.returncode == 1
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
        assert (self.path.read_bytes() if self.path.exists() else None) == before
        return done.stderr


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    server = ReleaseServer()
    index = write_bundle(tmp_path / "bundle", make_signer(tmp_path), {}, b"layer")
    serve_image(server, tmp_path / "bundle", index.image(IMAGE), "amd64")
    server.files[PATH] = DATA
    inputs = document()
    upstream = {"url": f"https://{HOST}/hello/{{arch}}/hello"}
    inputs["files"] = [{**inputs["files"][0], "upstream": upstream}]
    inputs["images"] = [{**inputs["images"][0], "name": IMAGE, "tag": "1.0"}]
    copy_checkout(tmp_path / "checkout", Catalogue.model_validate(inputs))
    with serving(server):
        yield Site(tmp_path / "checkout", server)


def test_it_writes_what_it_saw_and_shows_the_change(site: Site) -> None:
    done = site.lock()
    assert (done.returncode, done.stderr) == (0, "")
    lock = yaml.safe_load(site.path.read_text())
    found = lock["files"][f"https://{HOST}{PATH}"]
    assert (found["sha256"], found["size"]) == (sha256(DATA), len(DATA))
    digest = f"sha256:{sha256(site.server.files[TAG])}"
    assert lock["images"][f"{IMAGE}:1.0"]["digest"] == digest
    assert f"+    sha256: {sha256(DATA)}" in done.stdout.splitlines()
    assert f"+    digest: {digest}" in done.stdout.splitlines()
    assert "Compare each + line with what the project itself says" in done.stdout


def test_the_second_run_asks_nobody(site: Site) -> None:
    site.lock()
    before, asked = site.path.read_bytes(), len(site.server.requests)
    done = site.lock()
    assert done.returncode == 0
    assert done.stdout == "bundle/lock/upstream-amd64.yml: unchanged, 1 images, 1 files\n"
    assert (site.path.read_bytes(), len(site.server.requests)) == (before, asked)


def test_a_moved_tag_shows_as_a_change_when_renewed(site: Site) -> None:
    site.lock()
    old = f"sha256:{sha256(site.server.files[TAG])}"
    site.server.files[TAG] += b"\n"
    assert "unchanged" in site.lock().stdout
    done = site.lock("--renew")
    assert done.returncode == 0
    new = f"sha256:{sha256(site.server.files[TAG])}"
    assert {f"-    digest: {old}", f"+    digest: {new}"} <= set(done.stdout.splitlines())
    assert sha256(DATA) not in [line[-64:] for line in done.stdout.splitlines() if line[0] == "+"]


def test_what_upstream_does_not_have_is_named(site: Site) -> None:
    del site.server.files[TAG]
    said = site.refused()
    assert f"Downloading {IMAGE} 1.0 from" in said
    assert "answered 404" in said


def test_an_image_without_our_architecture_is_named(site: Site) -> None:
    said = site.refused("--arch", "arm64")
    assert f"{IMAGE} sha256:" in said
    assert "no image for linux/arm64: it has linux/s390x, linux/amd64" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--arch", "vax"], "--arch vax: wanted one of amd64, arm64"),
        (["--from", "nothing"], "--from 'nothing': wanted HOST=URL"),
        (["--from", "quay.io=ftp://192.0.2.1"], "wanted HOST=URL"),
        (["--from", "quay.io=http://192.0.2.1/x"], "over https only"),
    ],
)
def test_wrong_options_are_refused_before_anybody_is_asked(
    site: Site, options: list[str], message: str
) -> None:
    assert message in site.refused(*options)
    assert site.server.requests == []


@pytest.mark.parametrize("text", ["images: [", "images: {x: {digest: abc}}\n", "colour: red\n"])
def test_a_damaged_lock_is_left_and_named(site: Site, text: str) -> None:
    site.path.write_text(text)
    assert f"Reading {site.path}: " in site.refused()
    assert site.server.requests == []


def test_a_wrong_catalogue_is_named(site: Site) -> None:
    (site.root / "bundle" / "catalogue" / "manifests.yml").write_text("manifests: [{name: x}]\n")
    assert "manifests.0.version: Field required" in site.refused()

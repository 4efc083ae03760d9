"""Images to a registry: by digest, only what differs, against a registry of a few lines."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.bundle.registry import (
    Registry,
    load_image,
    repository_of,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.modules.registry_images import run

from tests.support.bundles import IMAGE, Signer, make_signer, write_bundle


class FakeRegistry(ThreadingHTTPServer):
    """Keeps blobs and manifests in memory and counts what is written."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.writes: list[str] = []
        self.broken = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeRegistry

    def do_HEAD(self) -> None:
        path = urlsplit(self.path).path
        if self.server.broken:
            self._answer(503)
        elif "/blobs/" in path:
            self._answer(200 if path.rpartition("/")[2] in self.server.blobs else 404)
        elif path in self.server.manifests:
            self._answer(200, {"Docker-Content-Digest": _digest(self.server.manifests[path])})
        else:
            self._answer(404)

    def do_POST(self) -> None:
        self._body()
        self._answer(202, {"Location": f"{self.path}one?_state=abc"})

    def do_PUT(self) -> None:
        parts, body = urlsplit(self.path), self._body()
        self.server.writes.append(f"{self.command} {parts.path}")
        if "/uploads/" in parts.path:
            digest = parse_qs(parts.query)["digest"][0]
            if digest != _digest(body):
                self._answer(400)
                return
            self.server.blobs[digest] = body
        else:
            self.server.manifests[parts.path] = body
        self._answer(201)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def server() -> Iterator[FakeRegistry]:
    with FakeRegistry() as fake:
        threading.Thread(target=fake.serve_forever, daemon=True).start()
        yield fake
        fake.shutdown()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return make_signer(tmp_path)


@pytest.fixture
def params(tmp_path: Path, signer: Signer, server: FakeRegistry) -> dict[str, Any]:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    write_bundle(bundle, signer, {}, image_layer=b"layer")
    return {
        "path": str(bundle),
        "public_key": signer.public,
        "url": server.url,
        "approved": None,
    }


def push(params: dict[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    return run(params, Registry(params["url"]), check_mode)


def test_check_predicts_apply_sends_again_does_nothing(
    params: dict[str, Any], server: FakeRegistry
) -> None:
    predicted = push(params, check_mode=True)
    assert server.writes == []
    applied = push(params)
    assert predicted["images"] == applied["images"] == [f"{IMAGE}:1.0"]
    assert "/v2/team/probe/manifests/1.0" in server.manifests
    assert len(server.writes) == 3  # configuration, layer, manifest
    again = push(params)
    assert (again["changed"], again["images"], len(server.writes)) == (False, [], 3)


def test_new_digest_of_a_tag_sends_only_new_blobs(
    params: dict[str, Any], server: FakeRegistry, signer: Signer
) -> None:
    push(params)
    server.writes.clear()
    write_bundle(Path(params["path"]), signer, {}, image_layer=b"another layer")
    assert push(params)["bytes"] == len(b"another layer")
    assert len(server.writes) == 2  # layer and manifest; the configuration was there


def test_check_before_the_registry_runs_predicts_all(
    params: dict[str, Any], server: FakeRegistry
) -> None:
    server.broken = True
    assert push(params, check_mode=True)["images"] == [f"{IMAGE}:1.0"]
    with pytest.raises(PlatformError, match=r"answered 503.*journalctl -u biomax-registry"):
        push(params)


def test_check_before_the_bundle_is_there(params: dict[str, Any]) -> None:
    params["path"] += "-not-yet"
    assert push(params, check_mode=True)["images"] == ["known after bundle_transfer"]


def test_damaged_layer_is_refused_by_its_digest(
    params: dict[str, Any], server: FakeRegistry
) -> None:
    layer = next(
        path
        for path in Path(params["path"]).glob("images/blobs/sha256/*")
        if path.read_bytes() == b"layer"
    )
    layer.write_bytes(b"lazer")
    with pytest.raises(PlatformError, match=r"storing blob sha256:.*answered 400"):
        push(params)
    assert server.manifests == {}


def test_missing_manifest_is_named(tmp_path: Path) -> None:
    entry = Entry("image", IMAGE, "images", 1, version="1.0", digest="sha256:" + "0" * 64)
    with pytest.raises(IntegrityError, match=f"manifest of {IMAGE}:1.0"):
        load_image(tmp_path, entry)


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("registry.k8s.io/pause", "pause"),
        ("registry.k8s.io/coredns/coredns", "coredns/coredns"),
        ("localhost:5000/a/b", "a/b"),
        ("localhost/a", "a"),
    ],
)
def test_repository_has_no_registry(name: str, repository: str) -> None:
    assert repository_of(name) == repository


@pytest.mark.parametrize("name", ["pause", "library/pause", ""])
def test_name_without_registry_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="does not start with a registry"):
        repository_of(name)


@pytest.mark.parametrize("url", ["https://127.0.0.1", "127.0.0.1:5000", ""])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="wanted http://"):
        Registry(url)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of a bundle in an image registry, by digest.

Requests are those of the OCI distribution specification 1.1 (end-2, end-4a, end-6, end-7). A
repository has the image's name without its registry, since containerd asks its mirror that way.
Standard library only: this runs on hosts.
"""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    PlatformError,
)

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
# Docker's older form, which many published images still have; it says so itself.
DOCKER_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_TIMEOUT_SECONDS = 300  # the registry syncs and hashes a layer before it answers


@dataclass(frozen=True)
class Answer:
    """What the registry said: status, lower-case headers and the start of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Registry:
    """A registry that is spoken to without TLS, on this host."""

    def __init__(self, url: str) -> None:
        """Use the registry at `url`, such as ``http://127.0.0.1:5000``."""
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise InputError(f"The registry is given as {url!r}, wanted http://address:port.")
        self._url = url
        self._connection = http.client.HTTPConnection(
            parts.hostname, parts.port or 80, timeout=_TIMEOUT_SECONDS
        )

    def digest(self, repository: str, tag: str) -> str:
        """Return the digest that `tag` has, empty when the registry does not know it."""
        answer = self._ask(
            "HEAD",
            f"/v2/{repository}/manifests/{tag}",
            headers={"Accept": f"{MANIFEST_TYPE}, {DOCKER_TYPE}"},
        )
        self._expect(answer, (200, 404), f"asking for {repository}:{tag}")
        return answer.headers.get("docker-content-digest", "") if answer.status == 200 else ""

    def push(self, repository: str, tag: str, image: Image) -> int:
        """Bring an image; blobs that are there already are not sent.

        Returns:
            How many bytes of blobs were sent.
        """
        sent = sum(self._push_blob(repository, *blob) for blob in image.blobs())
        answer = self._ask(
            "PUT",
            f"/v2/{repository}/manifests/{tag}",
            body=image.manifest,
            headers={"Content-Type": image.media_type},
        )
        self._expect(answer, (201,), f"storing the manifest of {repository}:{tag}")
        return sent

    def _push_blob(self, repository: str, digest: str, path: Path) -> int:
        known = self._ask("HEAD", f"/v2/{repository}/blobs/{digest}")
        self._expect(known, (200, 404), f"asking for blob {digest} of {repository}")
        if known.status == 200:
            return 0
        started = self._ask("POST", f"/v2/{repository}/blobs/uploads/", body=b"")
        self._expect(started, (202,), f"starting an upload to {repository}")
        location = urllib.parse.urlsplit(started.headers["location"])
        query = f"{location.query}&digest={digest}".lstrip("&")
        size = path.stat().st_size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with path.open("rb") as stream:
            answer = self._ask("PUT", f"{location.path}?{query}", body=stream, headers=headers)
        self._expect(answer, (201,), f"storing blob {digest} of {repository}")
        return size

    def _ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        try:
            self._connection.request(method, path, body=body, headers=dict(headers or {}))
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise PlatformError(
                f"{method} {self._url}{path}: {error}. "
                "See `journalctl -u biomax-registry` on the mirror."
            ) from error
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, text[:2000])

    def _expect(self, answer: Answer, wanted: tuple[int, ...], what: str) -> None:
        if answer.status not in wanted:
            raise PlatformError(
                f"Registry {self._url}, {what}: it answered {answer.status} "
                f"{answer.body.decode(errors='replace').strip()!r}. "
                "See `journalctl -u biomax-registry` on the mirror."
            )


@dataclass(frozen=True)
class Image:
    """An image of an OCI layout: its manifest's bytes and where the blobs lie."""

    layout: Path
    manifest: bytes

    @property
    def media_type(self) -> str:
        """Return the media type of the manifest: what it says itself, else OCI's."""
        return str(json.loads(self.manifest).get("mediaType", MANIFEST_TYPE))

    def blobs(self) -> Iterator[tuple[str, Path]]:
        """Yield digest and file of the configuration and of each layer."""
        document = json.loads(self.manifest)
        for descriptor in (document["config"], *document["layers"]):
            yield descriptor["digest"], blob_path(self.layout, descriptor["digest"])


def load_image(bundle: Path, entry: Entry) -> Image:
    """Return the image that `entry` of the index names.

    Raises:
        IntegrityError: its manifest is not in the layout or is no image manifest.
    """
    layout = bundle / entry.path
    path = blob_path(layout, entry.digest)
    try:
        manifest = path.read_bytes()
        document = json.loads(manifest)
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"Reading the manifest of {entry.label} at {path}: {error}. Transfer the bundle again."
        ) from error
    if not isinstance(document, dict) or not document.get("config") or "layers" not in document:
        raise IntegrityError(f"The manifest of {entry.label} at {path} describes no image.")
    return Image(layout, manifest)


def blob_path(layout: Path, digest: str) -> Path:
    """Return where an OCI layout keeps the blob `digest` (image-layout.md of the image spec)."""
    return layout / "blobs" / digest.replace(":", "/")


def repository_of(name: str) -> str:
    """Return the repository of a full image name: ``registry.k8s.io/pause`` gives ``pause``.

    Raises:
        InputError: the name has no registry.
    """
    host, _, repository = name.partition("/")
    if not repository or not ("." in host or ":" in host or host == "localhost"):
        raise InputError(f"The image name {name!r} does not start with a registry.")
    return repository

"""Images read from registries by digest (OCI distribution specification 1.1, end-2 and end-3).

Tokens: the Bearer challenge that public registries use ("Token Authentication" of the
distribution project). Docker's older media types are taken as they are, since a changed manifest
would have another digest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import requests.auth
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    PlatformError,
)
from requests.utils import parse_dict_header

from lab.builder.progress import Step
from lab.builder.upstream.download import CONNECT_SECONDS, Downloader, Wanted

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
DOCKER_HUB = ("docker.io", "registry-1.docker.io")  # its name, and where its registry answers
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Document:
    """An index or a manifest: its bytes, their digest and what they say."""

    data: bytes
    digest: str
    content: Mapping[str, Any]

    @property
    def media_type(self) -> str:
        """Return the media type that the document gives itself."""
        return str(self.content["mediaType"])


class BearerAuth(requests.auth.AuthBase):
    """Answers a registry's challenge with a token, once for each scope."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._token = ""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token on `request`, and be asked when the answer is a challenge."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        request.hooks["response"].append(self._challenged)
        return request

    def _challenged(self, response: requests.Response, **options: Any) -> requests.Response:
        kind, _, challenge = response.headers.get("WWW-Authenticate", "").partition(" ")
        again = getattr(response.request, "token_was_asked", False)
        if response.status_code != 401 or kind.lower() != "bearer" or again:
            return response
        parameters = parse_dict_header(challenge)  # type: ignore[no-untyped-call] # the stubs lack it
        self._token = self._ask(parameters, response.request.url)
        response.close()
        request = response.request.copy()
        request.headers["Authorization"] = f"Bearer {self._token}"
        request.token_was_asked = True  # type: ignore[attr-defined] # ours: one token for one request
        answer = response.connection.send(request, **options)
        answer.request = request
        return answer

    def _ask(self, challenge: Mapping[str, str], url: str | None) -> str:
        realm = challenge.get("realm", "")
        wanted = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        try:
            answer = self._session.get(realm, params=wanted, timeout=CONNECT_SECONDS)
            answer.raise_for_status()
            document = answer.json()
            return str(document.get("token") or document["access_token"])
        except (requests.RequestException, KeyError, ValueError, AttributeError) as error:
            raise PlatformError(
                f"Asking {realm or 'nobody'} for a token for {url}: {error!r}. For an image that "
                "is not public put the credentials of that host into ~/.netrc."
            ) from error


@dataclass(frozen=True)
class Registry:
    """Registries of all hosts; `locate` turns an address into the one that is asked."""

    downloader: Downloader
    locate: Callable[[str], str]
    _auth: dict[str, BearerAuth] = field(default_factory=dict)

    def document(self, name: str, reference: str, step: Step) -> Document:
        """Return the index or manifest `reference` (a tag or a digest) of the image `name`.

        Raises:
            IntegrityError: the bytes do not have the digest that was asked for or promised.
            PlatformError: the registry does not have it, or does not answer.
        """
        wanted = self._wanted(name, f"manifests/{reference}", f"{name} {reference}")
        accept = {"Accept": ", ".join((*INDEXES, *MANIFESTS))}
        answer = self.downloader.read(wanted, accept, step)
        digest = f"sha256:{hashlib.sha256(answer.body).hexdigest()}"
        promised = answer.headers.get("Docker-Content-Digest", digest)
        expected = reference if _DIGEST.fullmatch(reference) else promised
        if digest != expected:
            raise IntegrityError(
                f"Downloading {name} from {wanted.url}: expected {expected}, found {digest} "
                f"({len(answer.body)} bytes). It was not used. A registry never changes what a "
                "digest names: ask another one, or find out what stands between."
            )
        return parsed(f"{wanted.label} from {wanted.url}", answer.body)

    def blob(self, name: str, descriptor: Mapping[str, Any]) -> Wanted:
        """Return what has to be fetched for `descriptor`, a part of the image `name`."""
        digest = str(descriptor.get("digest"))
        if not _DIGEST.fullmatch(digest) or descriptor.get("urls"):
            raise PlatformError(
                f"The manifest of {name} names a part that no registry serves: {descriptor}. Such "
                "images cannot be in a bundle."
            )
        wanted = self._wanted(name, f"blobs/{digest}", f"a part of {name}")
        return Wanted(wanted.label, wanted.url, digest[7:], int(descriptor["size"]), wanted.auth)

    def _wanted(self, name: str, path: str, label: str) -> Wanted:
        host, _, repository = name.partition("/")
        auth = self._auth.setdefault(name, BearerAuth(self.downloader.session))
        named = f"https://{host}/v2/{repository}/{path}"
        url = self.locate(named)
        if url == named and host == DOCKER_HUB[0]:  # nobody stands in for it
            url = named.replace(*DOCKER_HUB, 1)
        return Wanted(label, url, auth=auth)


def for_arch(name: str, index: Document, arch: str) -> str:
    """Return the digest of the Linux image for `arch` among those of `index`.

    Raises:
        PlatformError: there is none.
    """
    found = []
    for item in index.content["manifests"]:
        platform = item.get("platform", {})
        found.append(f"{platform.get('os')}/{platform.get('architecture')}")
        if found[-1] == f"linux/{arch}" and platform.get("variant") in (None, "v8"):
            return str(item["digest"])
    raise PlatformError(
        f"{name} {index.digest} has no image for linux/{arch}: it has {', '.join(found)}."
    )


def parsed(label: str, data: bytes) -> Document:
    """Return the index or manifest that `data` is.

    OCI lets a document leave out its media type; Docker's never do.

    Raises:
        PlatformError: it is neither.
    """
    kind = "no JSON"
    try:
        content = json.loads(data)
        default = INDEXES[0] if "manifests" in content else MANIFESTS[0]
        kind = content.setdefault("mediaType", default)
        parts = content["manifests" if kind in INDEXES else "layers"]
        if kind in (*INDEXES, *MANIFESTS) and isinstance(parts, list):
            return Document(data, f"sha256:{hashlib.sha256(data).hexdigest()}", content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        kind = f"{kind}, {error!r}"
    raise PlatformError(f"{label} is no image manifest or index that we know ({kind}).")

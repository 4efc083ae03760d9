# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a file of the bundle from a mirror: over HTTPS at a known address, or from a disk."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

_CONNECT_SECONDS = 4  # a mirror that is switched off must not hold up a run
_READ_SECONDS = 30
_SCHEMES = ("https://", "http://", "file://")
_CHUNK = 1024 * 1024  # bytes


@dataclass(frozen=True)
class Mirror:
    """A mirror host: `url` names it, `address` is where to connect without asking DNS."""

    url: str
    address: str = ""

    def locate(self, path: str) -> str:
        """Return the URL of `path` inside the bundle; a file URL is the bundle directory itself."""
        base = self.url.rstrip("/")
        return f"{base}/{path}" if base.startswith("file:") else f"{base}/bundle/{path}"


class Stream(NamedTuple):
    """An open file of a mirror."""

    url: str
    read: Callable[[int], bytes]
    close: Callable[[], None]

    def chunks(self) -> Iterator[bytes]:
        """Yield the file's bytes in pieces.

        Raises:
            PlatformError: the mirror stopped answering.
        """
        while True:
            try:
                data = self.read(_CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise PlatformError(
                    f"Downloading {self.url}: {error or type(error).__name__}. The old file is "
                    "intact; run again when the mirror answers."
                ) from error
            if not data:
                return
            yield data


def parse_mirrors(rows: Sequence[object]) -> list[Mirror]:
    """Return the mirrors of the inventory's list.

    Raises:
        InputError: a row has no `url`, or one of another scheme.
    """
    mirrors = []
    for row in rows:
        if not isinstance(row, dict) or not str(row.get("url", "")).startswith(_SCHEMES):
            shown = json.dumps(row, default=str)[:80]
            raise InputError(
                f"An entry of `mirrors` is {shown}; wanted {{name, address, url}} with a url that "
                "begins with https:// or file://."
            )
        mirrors.append(Mirror(row["url"], str(row.get("address") or "")))
    return mirrors


def open_file(host: Host, mirror: Mirror, path: str, authority: str) -> Stream:
    """Open `path` of the bundle at `mirror`; `authority` is PEM text of its CA.

    Raises:
        PlatformError: it does not answer or does not have the file.
    """
    url = mirror.locate(path)
    parts = urllib.parse.urlsplit(url)
    try:
        if parts.scheme == "file":
            stream = host.at(urllib.parse.unquote(parts.path)).open("rb")
            return Stream(url, stream.read, stream.close)
        return _request(_connection(mirror, parts, authority), url, parts.path)
    except (OSError, http.client.HTTPException) as error:
        said = getattr(error, "strerror", None) or error or type(error).__name__
        raise PlatformError(f"{url}: {said}") from error


def _request(connection: http.client.HTTPConnection, url: str, path: str) -> Stream:
    try:
        connection.request("GET", urllib.parse.quote(path))
        response = connection.getresponse()
    except (OSError, http.client.HTTPException):
        connection.close()
        raise
    if response.status != http.client.OK:
        connection.close()
        raise PlatformError(f"{url}: the mirror answered {response.status} {response.reason}")
    return Stream(url, response.read, connection.close)


def _connection(
    mirror: Mirror, parts: urllib.parse.SplitResult, authority: str
) -> http.client.HTTPConnection:
    name = parts.hostname or ""
    where = mirror.address or name
    if parts.scheme == "http":
        return _Named(where, parts.port or 80, name, None)
    context = ssl.create_default_context(cadata=authority or None)
    return _Named(where, parts.port or 443, name, context)


class _Named(http.client.HTTPConnection):
    """A connection to an address whose peer must be `name`; no name is looked up."""

    def __init__(self, address: str, port: int, name: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(address, port, timeout=_CONNECT_SECONDS)
        self._name, self._tls = name, tls

    def connect(self) -> None:
        """Connect, with TLS when the mirror has it."""
        super().connect()
        self.sock.settimeout(_READ_SECONDS)
        if self._tls:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)

    def putrequest(
        self,
        method: str,
        url: str,
        skip_host: bool = False,
        skip_accept_encoding: bool = False,
    ) -> None:
        """Send the request line with the name of the mirror, not its address."""
        super().putrequest(method, url, skip_host=True, skip_accept_encoding=skip_accept_encoding)
        if not skip_host:
            self.putheader("Host", self._name)

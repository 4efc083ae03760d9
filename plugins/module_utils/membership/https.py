# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTPS client for the host: one request, one deadline, JSON in and out."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership.kubeconfig import (
    Kubeconfig,
)

# X509_V_ERR_*: bad signature, self-signed, no issuer found. Expired or misnamed ones are not here.
_OTHER_AUTHORITY = frozenset({7, 18, 19, 20, 21})


class Unanswered(PlatformError):
    """No usable answer: refused, cut, timed out or not trusted."""


class Untrusted(Unanswered):
    """The server showed a certificate of another authority."""


@dataclass(frozen=True)
class Reply:
    """An answer.

    Args:
        status: HTTP status.
        body: Text of the body.
    """

    status: int
    body: str

    def json(self) -> dict[str, Any]:
        """Parse the body as a JSON object.

        Raises:
            Unanswered: It is something else.
        """
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise Unanswered(
                f"HTTP {self.status} with a body that is not JSON: {error}."
            ) from error
        if not isinstance(value, dict):
            raise Unanswered(
                f"HTTP {self.status} with {type(value).__name__} instead of an object."
            )
        return value


@dataclass(frozen=True)
class Server:
    """Where to ask and whom to trust.

    Args:
        host: Address or name to connect to.
        port: TCP port.
        context: TLS settings.
        timeout: Seconds for the connection and for each read.
        server_name: Name in the certificate when it differs from ``host``.
    """

    host: str
    port: int
    context: ssl.SSLContext
    timeout: float = 5.0
    server_name: str = ""

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: dict[str, Any] | None = None,
        content_type: str = "application/json",
    ) -> Reply:
        """Make one request.

        Args:
            path: Path with its query.
            method: HTTP method.
            body: JSON object to send.
            content_type: Its media type.

        Raises:
            Unanswered: No answer that can be trusted; the message names server and cause.
        """
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=self.timeout, context=self.context
        )
        headers = {"Accept": "application/json", "Content-Type": content_type}
        data = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read().decode("utf-8", "replace"))
        except ssl.SSLCertVerificationError as error:
            kind = Untrusted if error.verify_code in _OTHER_AUTHORITY else Unanswered
            raise kind(f"{self.host}:{self.port}: {error.verify_message}") from error
        except (OSError, http.client.HTTPException) as error:
            cause = str(error) or type(error).__name__
            raise Unanswered(f"{self.host}:{self.port}{path}: {cause}") from error
        finally:
            connection.close()


def trusting(ca: str, certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Build TLS settings that trust one authority and may show a client certificate.

    Args:
        ca: Certificate authority, PEM.
        certificate: Client certificate, PEM.
        key: Its private key, PEM; goes through memory, never through a file.

    Raises:
        Unanswered: The material is damaged.
    """
    try:
        context = ssl.create_default_context(cadata=ca)
        if certificate and key:
            _load_client(context, certificate + "\n" + key)
    except (ssl.SSLError, ValueError) as error:
        raise Unanswered(f"Unusable certificate or key: {error}.") from error
    return context


def probing() -> ssl.SSLContext:
    """Build TLS settings that check nothing, for asking "is anything there" and no more.

    A blank host does not know the cluster's authority yet. What such an answer says only ever
    forbids a step (init) or proposes whom to ask; trust comes with the join's own credentials.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def from_kubeconfig(config: Kubeconfig, timeout: float = 5.0) -> Server:
    """Build the server of a kubeconfig with its client certificate.

    Raises:
        Unanswered: The server's URL or the certificate cannot be used.
    """
    authority = config.server.removeprefix("https://").split("/", 1)[0]
    host, separator, port = authority.rpartition(":")
    if not config.server.startswith("https://") or not separator or not port.isdigit():
        raise Unanswered(f"Expected https://host:port in the kubeconfig, found {config.server}.")
    context = trusting(config.ca, config.certificate, config.key)
    if config.client_file:
        try:
            context.load_cert_chain(config.client_file)
        except (OSError, ssl.SSLError) as error:
            raise Unanswered(f"Cannot use {config.client_file}: {error}.") from error
    return Server(host.strip("[]"), int(port), context, timeout)


def _load_client(context: ssl.SSLContext, pem: str) -> None:
    """Give OpenSSL a certificate and key from anonymous memory; it only reads files."""
    descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem.encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few fields of kubeadm's kubeconfig files that we need, without a YAML parser on the host."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig with one cluster and one user, as kubeadm writes it.

    Args:
        server: URL of the API.
        ca: Certificate authority, PEM.
        certificate: Client certificate, PEM; empty when it stands in a file.
        key: Client key, PEM; empty when it stands in a file.
        client_file: Path of a file with certificate and key; empty when they are embedded.
    """

    server: str
    ca: str
    certificate: str
    key: str
    client_file: str = ""


def parse_kubeconfig(text: str) -> Kubeconfig:
    """Read a kubeconfig written by kubeadm or kubelet.

    Raises:
        PlatformError: The server or the certificate authority is missing.
    """
    server = _field(text, "server")
    ca = _data(text, "certificate-authority-data")
    if not server or not ca:
        raise PlatformError("The kubeconfig has no server or no certificate-authority-data.")
    return Kubeconfig(
        server=server,
        ca=ca,
        certificate=_data(text, "client-certificate-data"),
        key=_data(text, "client-key-data"),
        client_file=_field(text, "client-certificate"),
    )


def read_kubeconfig(path: Path) -> Kubeconfig | None:
    """Read a kubeconfig file; None when it is not there.

    Raises:
        PlatformError: It is cut or has another shape; the message names the file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return parse_kubeconfig(text)
    except PlatformError as error:
        raise PlatformError(f"{path}: {error}") from error


def fingerprint(pem: str) -> str:
    """Return the SHA-256 of the first certificate of a PEM text, in hexadecimal.

    Raises:
        PlatformError: No whole certificate is in the text.
    """
    found = _PEM.search(pem)
    if found is None:
        raise PlatformError("No whole certificate in the PEM text.")
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(found.group(0) + "\n")).hexdigest()
    except (ValueError, binascii.Error) as error:
        raise PlatformError(f"Damaged certificate: {error}.") from error


def ca_fingerprint(path: Path) -> str:
    """Return the fingerprint of a certificate file; empty when absent or cut."""
    try:
        return fingerprint(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PlatformError):
        return ""


def _field(text: str, name: str) -> str:
    found = re.search(rf"^\s*(?:- )?{name}: *(\S+)\s*$", text, re.MULTILINE)
    return found.group(1).strip("\"'") if found else ""


def _data(text: str, name: str) -> str:
    encoded = _field(text, name)
    try:
        return base64.b64decode(encoded, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise PlatformError(f"The field {name} is not base64: {error}.") from error

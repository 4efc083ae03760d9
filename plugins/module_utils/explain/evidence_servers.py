# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the servers that a message names answer, and with which certificate. Runs on hosts."""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

_SERVER = re.compile(
    r"(?:(https?)://|\b)([A-Za-z0-9][\w.-]*|\[[0-9a-fA-F:]+\])(?::(\d{2,5})\b|(?=/))"
)
_CERTIFICATE = re.compile(r"certificate|x509|\bTLS\b|\bSSL\b", re.I)
_SERVERS, _SECONDS = 2, 3.0  # asked at most, and how long each may take
_PORTS = {"https": 443, "http": 80}


def look(message: str, addresses: Mapping[str, str], root: Path) -> list[dict[str, str]]:
    """Try the servers that a message names.

    Args:
        message: What the failed module says.
        addresses: Addresses of names; the host's own hosts file is read besides.
        root: Where the host's file tree begins.

    Returns:
        For each server: ``server`` (address:port), ``answer`` (``accepts``, ``refuses``, ``silent``
        or the system's word) and ``certificate`` (DER in base64) when the message is about
        certificates.
    """
    rows = []
    for address, port in _named(message, {**_hosts_file(root), **addresses})[:_SERVERS]:
        row = {"server": f"{address}:{port}", "answer": _answer(address, port)}
        if row["answer"] == "accepts" and _CERTIFICATE.search(message):
            row["certificate"] = _certificate(address, port)
        rows.append(row)
    return rows


def _named(message: str, addresses: Mapping[str, str]) -> list[tuple[str, int]]:
    """List addresses and ports in the message; names that nobody here knows are left out."""
    found: dict[tuple[str, int], None] = {}
    for scheme, name, port in _SERVER.findall(message):
        address = addresses.get(name, name.strip("[]"))
        if not (port or scheme):
            continue
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        found[(address, int(port or _PORTS[scheme]))] = None
    return list(found)


def _hosts_file(root: Path) -> dict[str, str]:
    try:
        lines = (root / "etc/hosts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    rows = [line.partition("#")[0].split() for line in lines]
    return {name: row[0] for row in rows for name in row[1:]}


def _answer(address: str, port: int) -> str:
    try:
        with socket.create_connection((address, port), timeout=_SECONDS):
            return "accepts"
    except ConnectionRefusedError:
        return "refuses"
    except TimeoutError:
        return "silent"
    except OSError as error:
        return error.strerror or type(error).__name__


def _certificate(address: str, port: int) -> str:
    """Read what the server shows; nothing is trusted or sent, the controller describes it."""
    try:
        text = ssl.get_server_certificate((address, port), timeout=_SECONDS)
    except (OSError, ValueError):
        return ""
    return base64.b64encode(ssl.PEM_cert_to_DER_cert(text)).decode()

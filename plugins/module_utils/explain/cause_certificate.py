# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server shows a certificate that its client does not trust."""

from __future__ import annotations

import base64
import re

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
    line_with,
)
from cryptography import x509

_REFUSED = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|x509: |self[- ]signed certificate"
    r"|[Hh]ostname mismatch|certificate (?:has expired|is not yet valid)"
    r"|[Cc]ertificate verification failed|unable to get (?:local )?issuer certificate",
)
_ADDRESS = re.compile(r"(?:https://|dial tcp |\s|^)([A-Za-z0-9][\w.-]*|\[[0-9a-f:]+\]):(\d{2,5})\b")
_URL = re.compile(r"https://([A-Za-z0-9][\w.-]*)(?=[/:;\s]|$)")
_REMEDIES = (
    (
        re.compile(r"expired", re.I),
        "Give the server a new certificate (the mirror's comes from the"
        " site's keys), then run again.",
    ),
    (
        re.compile(r"not yet valid", re.I),
        "Both clocks agree: the certificate was made for a later time. Give the server another.",
    ),
    (
        re.compile(r"mismatch|not valid for|doesn't match|valid for .* not", re.I),
        "Give the server a certificate for this name, or correct the name in the inventory.",
    ),
)
_OTHER = (
    "Its certificate is of another authority than the one that the client trusts. Correct"
    " mirror_ca_certificate (or the CA that the client was given), or give the server a"
    " certificate of that authority."
)


def look(failure: Failure, site: Site) -> Cause | None:
    """Return the cause when a certificate was refused."""
    if not _REFUSED.search(failure.told):
        return None
    said = line_with(failure.told, _REFUSED)
    server, shown = _server(failure, said)
    remedy = next((text for pattern, text in _REMEDIES if pattern.search(said)), _OTHER)
    named = f" (it shows {shown})" if shown else ""
    at = f"{site.name_of(server.rpartition(':')[0])} ({server})" if server else "a server"
    command = (
        f"openssl s_client -connect {server} </dev/null 2>/dev/null |"
        " openssl x509 -noout -subject -issuer -dates"
    )
    return Cause(
        f"it refuses the certificate of {at}{named}: {said}",
        failure.seat,
        command if server else "journalctl -p warning -n 50 --no-pager",
        remedy,
        typed_at=CONTROLLER if server else "",
    )


def _described(encoded: str) -> str:
    """Say whose certificate it is, by whom and for which time."""
    try:
        shown = x509.load_der_x509_certificate(base64.b64decode(encoded))
    except ValueError:
        return ""
    start, end = shown.not_valid_before_utc, shown.not_valid_after_utc
    names = f"{shown.subject.rfc4514_string()}, issued by {shown.issuer.rfc4514_string()}"
    return f"{names}, valid {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def _server(failure: Failure, said: str) -> tuple[str, str]:
    """Return address:port of the server and what it shows, as far as they are known."""
    for row in failure.evidence.get("servers", ()):
        if row.get("certificate"):
            return row["server"], _described(row["certificate"])
    if found := _ADDRESS.search(said):
        return f"{found.group(1)}:{found.group(2)}", ""
    if found := _URL.search(said):
        return f"{found.group(1)}:443", ""
    return "", ""

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate authority a kubeconfig trusts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
from typing import Any


def kubeconfig_authority(document: Any) -> str:
    """Return the SHA-256 of the authority of a kubeconfig's first cluster.

    Args:
        document: The parsed kubeconfig.

    Returns:
        Hexadecimal digest of the certificate's DER form; empty when the document names none.
    """
    try:
        cluster = next(iter(document["clusters"]))["cluster"]
        pem = base64.b64decode(cluster["certificate-authority-data"], validate=True).decode("ascii")
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()
    except (KeyError, TypeError, StopIteration, ValueError, binascii.Error):
        return ""

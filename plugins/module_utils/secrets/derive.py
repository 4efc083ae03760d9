# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords and keys of services, each derived from the one secret of the site.

One secret is kept, sealed to the escrow and rotated; what is derived from it can always be made
again. HKDF with SHA-256 (RFC 5869) makes values that tell nothing about each other.
"""

from __future__ import annotations

import base64
import binascii

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32
_PASSWORD_BYTES = 24  # 192 bits, 32 characters


def derive(site_secret: str, purpose: str, length: int) -> bytes:
    """Derive bytes for one purpose.

    Args:
        site_secret: The site's secret: base64 of 32 random bytes.
        purpose: What for, such as ``postgresql/application``. Another one gives another value.
        length: Bytes wanted.

    Returns:
        The bytes; the same ones every time.

    Raises:
        InputError: The secret has another form, or the purpose is empty.
    """
    if not purpose:
        raise InputError("A derived secret needs a purpose, such as postgresql/application.")
    info = f"biomax.platform {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(_root(site_secret))


def service_password(site_secret: str, purpose: str) -> str:
    """Derive a password: 32 characters out of A-Z, a-z, 0-9, hyphen and underscore.

    Args:
        site_secret: See `derive`.
        purpose: See `derive`. Change its ending (``…/2``) to get a new password.

    Returns:
        The password; it needs no escaping in URLs, shells and connection strings.

    Raises:
        InputError: As `derive`.
    """
    return base64.urlsafe_b64encode(derive(site_secret, purpose, _PASSWORD_BYTES)).decode()


def service_key(site_secret: str, purpose: str) -> str:
    """Derive a key of 32 bytes.

    Args:
        site_secret: See `derive`.
        purpose: See `derive`.

    Returns:
        The key in base64.

    Raises:
        InputError: As `derive`.
    """
    return base64.b64encode(derive(site_secret, purpose, SECRET_BYTES)).decode()


def _root(site_secret: str) -> bytes:
    try:
        root = base64.b64decode(site_secret.strip(), validate=True)
    except (binascii.Error, ValueError, AttributeError) as error:
        raise InputError("site_secret is no base64 text.") from error
    if len(root) != SECRET_BYTES:
        raise InputError(
            f"site_secret holds {len(root)} bytes, wanted {SECRET_BYTES}: "
            "make it with `lab/bundle keys` or `openssl rand -base64 32`."
        )
    return root

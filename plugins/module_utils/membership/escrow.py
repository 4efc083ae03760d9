# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key that encrypts secrets in etcd, and its sealed copies.

The key is made once, on the host that starts the cluster. Before the first secret is written with
it, a copy is sealed to the site's age recipient, whose private half is offline with the owner.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import durable
from ansible_collections.biomax.platform.plugins.module_utils.membership.command import run
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout

_KEY_BYTES = 32  # secretbox (XSalsa20 and Poly1305) takes keys of 32 bytes


def new_encryption_config(random: Callable[[int], bytes] = os.urandom) -> str:
    """Make an EncryptionConfiguration with a fresh key.

    Args:
        random: Source of the key.

    Returns:
        The text, JSON and so YAML too. ``identity`` stands last: it only reads what is plain.
    """
    key = base64.b64encode(random(_KEY_BYTES)).decode("ascii")
    name = hashlib.sha256(key.encode()).hexdigest()[:8]
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            {
                "resources": ["secrets"],
                "providers": [
                    {"secretbox": {"keys": [{"name": f"key-{name}", "secret": key}]}},
                    {"identity": {}},
                ],
            }
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def ensure_encryption_config(layout: Layout) -> str:
    """Return this host's encryption configuration; make it when there is none."""
    if not layout.encryption.exists():
        durable.write_file(layout.encryption, new_encryption_config().encode())
    return layout.encryption.read_text(encoding="utf-8")


def sealed_name(config: str) -> str:
    """Name of the sealed copy; it tells keys apart and nothing about them."""
    return f"etcd-encryption-{hashlib.sha256(config.encode()).hexdigest()[:12]}.age"


def ensure_sealed(layout: Layout, config: str, recipient: str) -> dict[str, str]:
    """Return the sealed copy of an encryption configuration; make it when there is none.

    Args:
        layout: Paths of the host.
        config: The configuration.
        recipient: age recipient of the site.

    Returns:
        Armoured text by file name.

    Raises:
        InputError: The recipient has another form.
        PlatformError: age is missing or refuses.
    """
    name = sealed_name(config)
    path = layout.escrow / name
    if not path.exists():
        if not recipient.startswith("age1"):
            raise InputError(f"Expected an age recipient (age1…), found {recipient[:12]!r}.")
        sealed = run(["age", "--encrypt", "--armor", "--recipient", recipient], stdin=config)
        if "BEGIN AGE ENCRYPTED FILE" not in sealed:
            raise PlatformError("age printed no sealed file; is its version 1.0 or newer?")
        durable.write_file(path, sealed.encode())
    return {name: path.read_text(encoding="ascii")}


def install(layout: Layout, config: str, sealed: Mapping[str, str]) -> None:
    """Put the cluster's encryption configuration and its sealed copies on a joining host."""
    for name, text in sealed.items():
        durable.write_file(layout.escrow / name, text.encode())
    durable.write_file(layout.encryption, config.encode())


def read_sealed(layout: Layout) -> dict[str, str]:
    """Return all sealed copies on this host, by file name."""
    return {
        path.name: path.read_text(encoding="ascii") for path in sorted(layout.escrow.glob("*.age"))
    }

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signature of the bundle's index, checked by the `ssh-keygen` that every host with sshd has.

Format and command are OpenSSH's (ssh-keygen(1), "-Y sign" and "-Y verify", PROTOCOL.sshsig); the
platform has no cryptography of its own. Standard library only: this runs on hosts.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
import tempfile
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)

NAMESPACE = "biomax-bundle"  # a signature made for anything else is not valid for an index
IDENTITY = "bundle"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_LINE = 70  # characters of base64 in a line, as ssh-keygen writes it
_PUBLIC_KEY = re.compile(r"(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa) [A-Za-z0-9+/]+=*( [^\n]*)?")


def verify_signature(
    data_path: str | os.PathLike[str], signature_path: str | os.PathLike[str], public_key: str
) -> None:
    """Check that `data_path` was signed by the private half of `public_key`.

    Args:
        data_path: the index.
        signature_path: its detached signature.
        public_key: one line as in a `.pub` file, from the inventory (`bundle_public_key`).

    Raises:
        InputError: `public_key` is no public key, or a file cannot be read.
        IntegrityError: the signature does not hold.
    """
    try:
        data = Path(data_path).read_bytes()
        signature = Path(signature_path).read_bytes()
    except OSError as error:
        raise InputError(
            f"Verifying the signature of {data_path}: {error}. Transfer the bundle again."
        ) from error
    verify_signature_bytes(data, signature, public_key, str(data_path))


def verify_signature_bytes(data: bytes, signature: bytes, public_key: str, label: str) -> None:
    """Check `signature` over exactly the bytes `data`; `label` names them in messages.

    Use it when the same bytes are parsed afterwards, so that nothing can change in between.
    """
    key = public_key.strip()
    if not _PUBLIC_KEY.fullmatch(key):
        raise InputError(
            f"Verifying the signature of {label}: bundle_public_key is {key[:60]!r}, wanted one "
            "line such as `ssh-ed25519 AAAA…`. Take it from bundle_signing.pub."
        )
    if not _is_canonical(signature):
        raise IntegrityError(
            f"The signature of {label} is damaged: it is not in the form ssh-keygen writes. "
            "Nothing of this bundle was used. Transfer the bundle again."
        )
    with tempfile.TemporaryDirectory(prefix="biomax-signature-") as directory:
        allowed = Path(directory, "allowed_signers")
        allowed.write_text(f'{IDENTITY} namespaces="{NAMESPACE}" {key}\n', encoding="utf-8")
        detached = Path(directory, "signature")
        detached.write_bytes(signature)
        _run_verify(data, allowed, detached, label)


def _is_canonical(signature: bytes) -> bool:
    """Return whether the armour is exactly what ssh-keygen writes.

    ssh-keygen itself skips white space and text around the armour, so that a flipped bit there
    would stay unnoticed.
    """
    try:
        body = signature.decode("ascii").split("\n")[1:-2]
        raw = base64.b64decode("".join(body), validate=True)
    except (UnicodeDecodeError, binascii.Error):
        return False
    text = base64.b64encode(raw).decode("ascii")
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join([_BEGIN, *lines, _END, ""]).encode() == signature


def _run_verify(data: bytes, allowed: Path, signature: Path, label: str) -> None:
    command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", IDENTITY]
    command += ["-n", NAMESPACE, "-s", str(signature)]
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        result = subprocess.run(
            command, input=data, capture_output=True, check=False, env=environment
        )
    except FileNotFoundError as error:
        raise InputError(
            f"Verifying the signature of {label}: ssh-keygen was not found. "
            "Install openssh-client on this host."
        ) from error
    if result.returncode == 0:
        return
    output = (result.stderr or result.stdout).decode("utf-8", "replace").strip()
    raise IntegrityError(
        f"The signature of {label} does not hold: ssh-keygen says {output!r}. Nothing of this "
        "bundle was used. Compare bundle_public_key in the inventory with the builder's "
        "bundle_signing.pub; if they agree, the index was altered: transfer the bundle again."
    )

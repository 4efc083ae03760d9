"""Detached OpenPGP signatures of releases, checked offline against pinned keys."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    PlatformError,
)

from lab.builder.keys import gpg, run_tool


def verify_detached(path: Path, signature: Path, key: Path, fingerprint: str, label: str) -> None:
    """Raise IntegrityError unless `signature` over `path` is by the key `fingerprint`.

    A key that is expired or revoked is refused: gpg itself ends with 0 for both.

    Args:
        path: what was signed.
        signature: binary or in ASCII armour.
        key: file with the public key; other keys in it are not enough.
        fingerprint: of the primary key, 40 upper-case hexadecimal digits.
        label: what a message calls the file.
    """
    with tempfile.TemporaryDirectory(prefix="biomax-release-key-") as directory:
        home = Path(directory)
        home.chmod(0o700)
        with gpg(home) as command:
            try:
                run_tool(*command, "--import", str(key))
                status = run_tool(
                    *(*command, "--trust-model", "always", "--status-fd", "1"),
                    *("--verify", str(signature), str(path)),
                ).decode("utf-8", "replace")
            except PlatformError as error:
                raise _refused(label, fingerprint, str(error)) from error
    # The last field of VALIDSIG is the primary key; one verdict such as GOODSIG, EXPKEYSIG or
    # REVKEYSIG comes with each signature (doc/DETAILS of GnuPG).
    signers = re.findall(r"(?m)^\[GNUPG:\] VALIDSIG .*?([0-9A-F]{40})$", status)
    verdicts = re.findall(r"(?m)^\[GNUPG:\] ((?:GOOD|EXP|EXPKEY|REVKEY)SIG) ", status)
    if signers != [fingerprint]:
        raise _refused(label, fingerprint, f"it is by {', '.join(signers) or 'nobody'}")
    if verdicts != ["GOODSIG"]:
        raise _refused(label, fingerprint, f"gpg says {', '.join(verdicts) or 'nothing'} of it")


def _refused(label: str, fingerprint: str, found: str) -> IntegrityError:
    return IntegrityError(
        f"The signature of {label} is not one by {fingerprint}, which the catalogue pins: {found}. "
        "The file was not used. Look at the project's own pages whether its key has changed."
    )

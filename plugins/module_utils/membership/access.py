# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's own kubeconfig: a client certificate of at most a day, renewed at half time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership.kubeconfig import (
    fingerprint,
    read_kubeconfig,
)

VALID_HOURS = 24
_SERVER = re.compile(r"^(\s*)server: \S+\s*$", re.MULTILINE)


def through_address(kubeconfig: str, address: str, port: int, name: str) -> str:
    """Point a kubeconfig to an address while the certificate is still checked by name.

    The controller need not resolve the endpoint's name.

    Args:
        kubeconfig: Text of the kubeconfig, as kubeadm prints it.
        address: Address of the endpoint.
        port: Its port.
        name: Name in the certificate.

    Raises:
        PlatformError: There is not exactly one server in the text.
    """
    changed, count = _SERVER.subn(
        rf"\1server: https://{address}:{port}\n\1tls-server-name: {name}", kubeconfig
    )
    if count != 1:
        raise PlatformError(f"Expected one server in kubeadm's kubeconfig, found {count}.")
    return changed


def why_renew(path: Path, authorities: Iterable[str], now: datetime | None = None) -> str:
    """Say why a kubeconfig must be made anew; empty when it is good.

    Args:
        path: The kubeconfig on the controller.
        authorities: SHA-256 of the cluster's authority as the hosts know it; empty when no control
            plane was seen.
        now: The time, for tests.

    Returns:
        The reason, as a part of a sentence.
    """
    # Imported here: hosts import this package and need not have the library.
    from cryptography import x509  # noqa: PLC0415 - see the line above

    try:
        config = read_kubeconfig(path)
        if config is None:
            return f"{path} does not exist"
        known = set(authorities)
        if known and fingerprint(config.ca) not in known:
            return f"{path} belongs to another cluster"
        certificate = x509.load_pem_x509_certificate(config.certificate.encode())
    except (PlatformError, OSError, ValueError) as error:
        return f"{path} cannot be used ({error})"
    left = certificate.not_valid_after_utc - (now or datetime.now(timezone.utc))
    if left < timedelta(hours=VALID_HOURS) / 2:
        hours = left.total_seconds() / 3600
        return f"the certificate in {path} is good for {hours:.1f} h more"
    return ""


def missing_escrow(directory: Path, names: Iterable[str]) -> list[str]:
    """List the sealed copies that hosts have and the controller has not."""
    return sorted(name for name in set(names) if not (directory / name).exists())

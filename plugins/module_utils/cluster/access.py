# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kubeconfig to verified connections.

The forms that a site has are read: authority, client certificate and key, embedded or as files, or
a token. Programs that make credentials (``exec``) and plain HTTP are refused. The ``kubernetes``
library reads more, and loading it costs more than a whole run without changes; see
docs/decisions/cluster_client.md.
"""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

_CREDENTIALS = {"client-certificate", "client-certificate-data", "client-key", "client-key-data"}
_IDENTITY = {"token", *_CREDENTIALS}
CONNECTIONS = 8  # kept open; more requests than that are never in flight


@dataclass(frozen=True)
class Access:
    """Where the API is and what opens it.

    Attributes:
        server: URL without a trailing slash.
        server_name: Name that the server's certificate must carry; empty for that of the URL.
        authority: PEM of the authority that signed the server's certificate.
        certificate: PEM of the client certificate, or empty.
        key: PEM of its key, or empty.
        token: Bearer token, or empty.
    """

    server: str
    server_name: str
    authority: str
    certificate: str
    key: str
    token: str

    def headers(self) -> dict[str, str]:
        """Headers that every request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def context(self) -> ssl.SSLContext:
        """Make the context of verified connections that show the client's certificate.

        Raises:
            InputError: Certificate or key is damaged.
        """
        try:
            context = ssl.create_default_context(cadata=self.authority)
            if self.certificate:
                _load_chain(context, self.certificate, self.key)
        except (ssl.SSLError, ValueError) as error:
            raise InputError(f"Cannot use the certificates for {self.server}: {error}.") from error
        return context

    def pool(self) -> urllib3.PoolManager:
        """Open a pool of connections; nothing is sent yet.

        Raises:
            InputError: Certificate or key is damaged.
        """
        context = self.context()
        names: dict[str, Any] = {}
        if self.server_name:
            names = {"server_hostname": self.server_name, "assert_hostname": self.server_name}
        return urllib3.PoolManager(
            ssl_context=context, maxsize=CONNECTIONS, retries=False, block=False, **names
        )


def _load_chain(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a client certificate; ``ssl`` wants a file, so it gets one that is only in memory."""
    handle = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    try:
        os.write(handle, f"{certificate}\n{key}\n".encode())
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)


def read_access(path: Path) -> Access:
    """Read the current context of a kubeconfig.

    Args:
        path: The file.

    Returns:
        What it says.

    Raises:
        InputError: It is no kubeconfig, or uses a form that is not read here.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        context = _named(content, "contexts", "context", content["current-context"])
        cluster = _named(content, "clusters", "cluster", context["cluster"])
        user = _named(content, "users", "user", context["user"])
        server = str(cluster["server"]).rstrip("/")
        access = Access(
            server=server,
            server_name=str(cluster.get("tls-server-name", "")),
            authority=_data(path, cluster, "certificate-authority"),
            certificate=_data(path, user, "client-certificate"),
            key=_data(path, user, "client-key"),
            token=str(user.get("token", "")),
        )
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise InputError(f"Cannot read kubeconfig {path}: {error!r}.") from error
    if not server.startswith("https://") or not access.authority:
        raise InputError(
            f"Cannot use kubeconfig {path}: it needs an https:// server and its authority, found "
            f"{server}."
        )
    if not _IDENTITY & set(user):
        found = ", ".join(sorted(user)) or "nothing"
        raise InputError(
            f"Cannot use kubeconfig {path}: its user has {found}; a client certificate or a token "
            "is needed. playbooks/form_cluster.yml writes one."
        )
    return access


def _named(content: Mapping[str, Any], many: str, one: str, name: str) -> Mapping[str, Any]:
    for entry in content[many]:
        if entry["name"] == name:
            found: Mapping[str, Any] = entry[one]
            return found
    raise KeyError(f"{many} has no {name}")


def _data(path: Path, entry: Mapping[str, Any], name: str) -> str:
    """Read PEM that is embedded or in a file beside the kubeconfig; empty when there is none."""
    if f"{name}-data" in entry:
        return base64.b64decode(entry[f"{name}-data"], validate=True).decode()
    if name in entry:
        return (path.parent / str(entry[name])).read_text(encoding="utf-8")
    return ""

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bootstrap tokens and uploaded certificates: credentials that live for minutes."""

from __future__ import annotations

import base64
import json
import secrets
import string
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.membership.api import ClusterApi

# Ids begin with this, so that tokens which an administrator made are left alone.
TOKEN_PREFIX = "bmx"  # noqa: S105 - the public half of a token
TOKEN_MINUTES = 10
SECRETS_PATH = "/api/v1/namespaces/kube-system/secrets"
CERTIFICATES_SECRET = "kubeadm-certs"  # noqa: S105 - the name of an object, not a secret
_ALPHABET = string.ascii_lowercase + string.digits
# What kubeadm writes into the token that owns its upload; one upload leaves the token of the last.
_UPLOAD_DESCRIPTION = "Proxy for managing TTL for the kubeadm-certs secret"
# kubeadm gives this group the right to post certificate requests and to read its configuration.
_GROUP = "system:bootstrappers:kubeadm:default-node-token"


def new_token() -> str:
    """Make a bootstrap token ``id.secret`` (6 and 16 characters)."""
    ident = TOKEN_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(3))
    return ident + "." + "".join(secrets.choice(_ALPHABET) for _ in range(16))


def new_certificate_key() -> str:
    """Make the key of an upload: 32 bytes in hexadecimal (AES-256, as kubeadm asks)."""
    return secrets.token_hex(32)


def expiration(minutes: int = TOKEN_MINUTES) -> str:
    """Return the moment some minutes from now, RFC 3339."""
    end = datetime.now(timezone.utc) + timedelta(minutes=minutes)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def secret_name(token: str) -> str:
    """Name of the Secret of a token."""
    return f"bootstrap-token-{token.split('.', 1)[0]}"


def create_token(api: ClusterApi, token: str, description: str) -> None:
    """Create the Secret of a bootstrap token.

    Raises:
        Unanswered: The API does not answer or refuses.
    """
    ident, secret = token.split(".", 1)
    api.call(
        "POST",
        SECRETS_PATH,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "bootstrap.kubernetes.io/token",
            "metadata": {"name": secret_name(token), "namespace": "kube-system"},
            "stringData": {
                "token-id": ident,
                "token-secret": secret,
                "description": description,
                "expiration": expiration(),
                "usage-bootstrap-authentication": "true",
                "auth-extra-groups": _GROUP,
            },
        },
    )


def shorten_certificates(api: ClusterApi) -> None:
    """Let the uploaded certificates end with our token; kubeadm gives them two hours.

    They are owned by a token of kubeadm's, so its expiration is theirs.

    Raises:
        Unanswered: The API does not answer or refuses.
    """
    for name in _owners(api):
        api.call("PATCH", f"{SECRETS_PATH}/{name}", {"stringData": {"expiration": expiration()}})


def revoke(api: ClusterApi) -> list[str]:
    """Delete every credential of joins.

    Returns:
        Names of the Secrets that were deleted.

    Raises:
        Unanswered: The API does not answer or refuses.
    """
    names = [*_owners(api), *join_secrets(api)]
    return [name for name in dict.fromkeys(names) if api.delete(f"{SECRETS_PATH}/{name}")]


def join_secrets(api: ClusterApi) -> list[str]:
    """Name the Secrets of joins that are in the cluster.

    Raises:
        Unanswered: The API does not answer.
    """
    query = "?fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken"
    items = api.call("GET", SECRETS_PATH + query).json()["items"]
    ours = [str(item["metadata"]["name"]) for item in items if _is_of_join(item)]
    found = api.call("GET", f"{SECRETS_PATH}/{CERTIFICATES_SECRET}", accepted=(200, 404))
    return sorted(ours + ([CERTIFICATES_SECRET] if found.status == 200 else []))


def _is_of_join(secret: dict[str, Any]) -> bool:
    """Whether a token is ours, or one that kubeadm made to end an upload of certificates."""
    described = base64.b64decode(secret.get("data", {}).get("description", "")).decode()
    name = str(secret["metadata"]["name"])
    return name.startswith(f"bootstrap-token-{TOKEN_PREFIX}") or described == _UPLOAD_DESCRIPTION


def discovery_kubeconfig(server: str, ca: str, token: str) -> str:
    """Render the kubeconfig that a join discovers the cluster with, credentials embedded.

    Args:
        server: URL of the endpoint.
        ca: Certificate authority, PEM.
        token: Bootstrap token.
    """
    authority = base64.b64encode(ca.encode()).decode("ascii")
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "cluster",
                "cluster": {"server": server, "certificate-authority-data": authority},
            }
        ],
        "users": [{"name": "join", "user": {"token": token}}],
        "contexts": [{"name": "join", "context": {"cluster": "cluster", "user": "join"}}],
        "current-context": "join",
    }
    return json.dumps(document, indent=2) + "\n"


def _owners(api: ClusterApi) -> list[str]:
    """Names of the tokens that own the uploaded certificates."""
    reply = api.call("GET", f"{SECRETS_PATH}/{CERTIFICATES_SECRET}", accepted=(200, 404))
    if reply.status == 404:
        return []
    owners = reply.json()["metadata"].get("ownerReferences", [])
    return [str(owner["name"]) for owner in owners if owner.get("kind") == "Secret"]

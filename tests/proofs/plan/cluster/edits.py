"""Writes of somebody else at the API server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError

from tests.proofs.plan.cluster.mutation import EDITOR


def edit(client: KubeClient, path: str, patch: Mapping[str, Any], *, dry_run: bool = False) -> Any:
    """Patch an object by JSON merge patch as another field manager.

    Raises:
        ClusterError: the server refuses.
    """
    query = f"fieldManager={EDITOR}&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
    reply = client._transport.send(
        "PATCH", f"{path}?{query}", json.dumps(patch).encode(), "application/merge-patch+json"
    )
    if reply.code >= 400:
        raise ClusterError(f"patch {path}: {reply.body.decode()[:300]}")
    return json.loads(reply.body)


def create(client: KubeClient, path: str, item: Mapping[str, Any]) -> None:
    """Create an object as another field manager."""
    folder = path.rpartition("/")[0]
    reply = client._transport.send(
        "POST", f"{folder}?fieldManager={EDITOR}", json.dumps(item).encode(), "application/json"
    )
    assert reply.code == 201, reply.body


def remove(client: KubeClient, path: str) -> None:
    """Delete an object."""
    client.delete(path, client.get(path)["metadata"]["uid"])

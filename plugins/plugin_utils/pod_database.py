# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that CloudNativePG runs, by psql in the pod of its primary."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import read_access
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.execute import (
    Container,
    execute,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    NotReadyError,
    PlatformError,
)

_PSQL = ("psql", "-U", "postgres", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d")


class DeadError(PlatformError):
    """The database has no instance on a living node."""


class PodDatabase:
    """The database, by psql in the pod of its primary: no password and no open port is needed."""

    def __init__(
        self, kubeconfig: str, container: Container, database: str, seconds: float
    ) -> None:
        """Use a container.

        Args:
            kubeconfig: File with the way to the API server.
            container: Where psql runs.
            database: Which database it opens.
            seconds: How long one script may take.
        """
        self._access = read_access(Path(kubeconfig).expanduser())
        self._container = container
        self._database, self._seconds = database, seconds

    def run(self, sql: str) -> str:
        """Run a script; see Database."""
        command = [*_PSQL, self._database]
        done = execute(self._access, self._container, command, sql.encode(), self._seconds)
        if done.code:
            said = " ".join(done.stderr.split()) or f"psql ended with {done.code}"
            raise PlatformError(f"{self._container} refused: {said}.")
        return done.stdout


def cluster_path(namespace: str, name: str) -> str:
    """Path of a Cluster at the API server."""
    return f"/apis/postgresql.cnpg.io/v1/namespaces/{namespace}/clusters/{name}"


def primary_of(
    client: KubeClient, cluster: Mapping[str, Any], absent: Collection[str] = ()
) -> Container:
    """Find the primary of a Cluster.

    Args:
        client: Client of the API server.
        cluster: The Cluster as the API server has it.
        absent: Nodes that are known to be dead.

    Returns:
        The container in which it runs.

    Raises:
        NotReadyError: There is no primary now.
        DeadError: It was on a node that is known to be dead.
    """
    namespace, name = cluster["metadata"]["namespace"], cluster["metadata"]["name"]
    status = cluster.get("status", {})
    primary = status.get("currentPrimary")
    if not primary or primary != status.get("targetPrimary"):
        raise NotReadyError(
            f"Cluster {namespace}/{name} has no primary now ({status.get('phase', 'new')}). "
            "Run again when `kubectl get cluster` says that it is healthy."
        )
    pod = client.get(f"/api/v1/namespaces/{namespace}/pods/{primary}")
    node = pod["spec"].get("nodeName")
    if node in absent:
        raise DeadError(
            f"Nothing was asked of {namespace}/{primary}: it is on {node}, which is absent."
        )
    return Container(namespace, str(primary), "postgres")

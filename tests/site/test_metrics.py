"""What nodes and pods use, asked of the cluster of a site."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client

from tests.support.database import KUBECONFIG, wait_until

METRICS = "/apis/metrics.k8s.io/v1beta1"


@pytest.mark.lab
def test_every_node_and_the_database_are_measured(site: str) -> None:
    client = open_client(str(KUBECONFIG))

    def listed(path: str) -> dict[str, Any]:
        return {item["metadata"]["name"]: item for item in client.get(path)["items"]}

    nodes = set(listed("/api/v1/nodes"))
    assert len(nodes) == 6
    wait_until("every node is measured", lambda: set(listed(f"{METRICS}/nodes")) == nodes, 60)
    usage = listed(f"{METRICS}/nodes")["cp1"]["usage"]
    assert int(usage["memory"].removesuffix("Ki")) > 100_000, usage
    # A pod is measured when it was looked at twice: one that was made anew just now is not yet.
    path = f"{METRICS}/namespaces/biomax-data/pods"
    wait_until("the database is measured", lambda: "postgresql-1" in listed(path), 60)


@pytest.mark.lab
def test_the_connection_is_verified(site: str) -> None:
    service = open_client(str(KUBECONFIG)).get(
        "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io"
    )
    assert "insecureSkipTLSVerify" not in service["spec"]
    assert service["spec"]["caBundle"]

"""node_pools against a real API server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    UnreachableError,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.node_pools import (
    OWNED_ANNOTATION,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.pools_run import (
    reconcile_pools,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    NotReadyError,
)

POOLS: dict[str, Any] = {
    "database": {
        "labels": {"workload": "database"},
        "taints": [{"key": "dedicated", "value": "database", "effect": "NoSchedule"}],
        "min": 1,
        "max": 3,
    }
}
FOREIGN = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


class Node:
    """A Node object without a machine."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.name = f"n-{uuid.uuid4().hex[:10]}"
        self.path = f"/api/v1/nodes/{self.name}"

    def run(self, pools: Any = None, *, check: bool = False) -> dict[str, Any]:
        members = [{"name": self.name, "pool": "database"}]
        client = open_client(str(self.kubeconfig))
        return reconcile_pools(client, pools or POOLS, members, may_be_small=False, check=check)

    def taints(self, client: KubeClient) -> list[str]:
        found = client.get(self.path)["spec"].get("taints") or []
        return [f"{taint['key']}={taint.get('value', '')}" for taint in found]


@pytest.fixture
def node(kubeconfig: Path, client: KubeClient) -> Iterator[Node]:
    """A node that carries a foreign label and a foreign taint."""
    made = Node(kubeconfig)
    metadata = {"name": made.name, "labels": {"kubernetes.io/os": "linux"}}
    item = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": [FOREIGN]}}
    client.apply(made.path, item)
    yield made
    client.delete(made.path, client.get(made.path)["metadata"]["uid"])


def test_check_then_apply_then_nothing(node: Node, client: KubeClient) -> None:
    predicted = node.run(check=True)
    assert predicted["plan"][0]["detail"] == "labels, taints, owned"
    assert predicted["requests"] == {"get": 1, "total": 1}
    assert "workload" not in client.get(node.path)["metadata"]["labels"]
    applied = node.run()
    assert applied["plan"] == predicted["plan"]
    assert applied["diff"] == predicted["diff"]
    labels = client.get(node.path)["metadata"]["labels"]
    assert labels == {"kubernetes.io/os": "linux", "workload": "database"}
    assert node.taints(client) == ["node.kubernetes.io/not-ready=", "dedicated=database"]
    again = node.run()
    assert again["changed"] is False
    assert again["requests"] == {"get": 1, "total": 1}


def test_what_left_the_inventory_leaves_the_node(node: Node, client: KubeClient) -> None:
    node.run()
    node.run({"database": {**POOLS["database"], "taints": [], "labels": {}}})
    found = client.get(node.path)
    assert found["metadata"]["labels"] == {"kubernetes.io/os": "linux"}
    assert OWNED_ANNOTATION not in found["metadata"].get("annotations", {})
    assert node.taints(client) == ["node.kubernetes.io/not-ready="]


def test_a_taint_that_somebody_removed_comes_back(node: Node, client: KubeClient) -> None:
    node.run()
    client.merge(node.path, {"spec": {"taints": [FOREIGN]}})
    assert node.run()["plan"][0]["detail"] == "taints"
    assert node.taints(client) == ["node.kubernetes.io/not-ready=", "dedicated=database"]


def test_a_missing_node_is_named(node: Node, client: KubeClient) -> None:
    members = [{"name": node.name, "pool": "database"}, {"name": "ghost", "pool": "database"}]
    with pytest.raises(NotReadyError, match="Cannot label ghost: not in the cluster yet"):
        reconcile_pools(client, POOLS, members, may_be_small=False, check=False)
    assert "workload" not in client.get(node.path)["metadata"]["labels"]
    predicted = reconcile_pools(client, POOLS, members, may_be_small=False, check=True)
    assert predicted["plan"][1]["detail"] == "known after form_cluster"


def test_bad_input_is_refused_before_anything_is_read(node: Node, client: KubeClient) -> None:
    wrong = {"database": {**POOLS["database"], "taints": [{"key": "a", "effect": "Never"}]}}
    with pytest.raises(InputError, match="'Never' is none of"):
        reconcile_pools(
            client,
            wrong,
            [{"name": node.name, "pool": "database"}],
            may_be_small=False,
            check=False,
        )
    assert "get" not in client.requests


def test_no_cluster(tmp_path: Path) -> None:
    predicted = reconcile_pools(
        None, POOLS, [{"name": "db1", "pool": "database"}], may_be_small=False, check=True
    )
    assert predicted["changed"] is True
    assert predicted["plan"][0]["detail"] == "known after form_cluster"
    with pytest.raises(UnreachableError, match="does not exist"):
        open_client(str(tmp_path / "nothing"))

"""Calls bound to a plan file at a real API server: what moved since is refused by name."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import parse_objects
from ansible_collections.biomax.platform.plugins.module_utils.cluster.pools_run import (
    reconcile_pools,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import converge
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import (
    COMPONENTS,
    NODE_POOLS,
)

from tests.integration.cluster.test_node_pools import POOLS
from tests.proofs.plan.cluster import survey
from tests.proofs.plan.cluster.edits import create, edit, remove
from tests.support.plan_files import approval_of, write_plan

# Of each sort: a namespace, what selects pods, what may do something, and a kind of its own.
OBJECTS = """
{{apiVersion: v1, kind: Namespace, metadata: {{name: {ns}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {ns}, labels: {{size: {size}}}}}
data: {{colour: green}}
---
apiVersion: v1
kind: Secret
metadata: {{name: key, namespace: {ns}, labels: {{size: {size}}}}}
stringData: {{colour: green}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {ns}, labels: {{size: {size}}}}}
spec: {{selector: {{app: web}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: web, namespace: {ns}, labels: {{size: {size}}}}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: "example.org/web:1"}}]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: reader, namespace: {ns}, labels: {{size: {size}}}}}
rules: [{{apiGroups: [""], resources: [pods], verbs: [get]}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: closed, namespace: {ns}, labels: {{size: {size}}}}}
spec: {{podSelector: {{}}, policyTypes: [Ingress]}}
"""
NAMES = {
    "ConfigMap": "/api/v1/namespaces/{ns}/configmaps/settings",
    "Secret": "/api/v1/namespaces/{ns}/secrets/key",
    "Service": "/api/v1/namespaces/{ns}/services/web",
    "DaemonSet": "/apis/apps/v1/namespaces/{ns}/daemonsets/web",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles/reader",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{ns}/networkpolicies/closed",
}
NOTE = {"metadata": {"annotations": {"example.org/note": "moved"}}}


@dataclass(frozen=True)
class Bound:
    """A namespace of objects and a node, and calls bound to a plan file."""

    kubeconfig: Path
    plan_file: Path
    name: str

    def components(self, size: str, *, approved: bool = False, check: bool = False) -> Any:
        parsed = [(self.name, parse_objects(OBJECTS.format(ns=self.name, size=size), "test"))]
        approval = approval_of(self.plan_file if approved else None, COMPONENTS)
        client = open_client(str(self.kubeconfig))
        return converge(client, parsed, Options(ready_seconds=0), check=check, approval=approval)

    def pools(self, *, approved: bool = False, check: bool = False) -> Any:
        members = [{"name": self.name, "pool": "database"}]
        approval = approval_of(self.plan_file if approved else None, NODE_POOLS)
        client = open_client(str(self.kubeconfig))
        return reconcile_pools(
            client, POOLS, members, may_be_small=False, check=check, approval=approval
        )

    def write(self, part: str, result: Any) -> None:
        write_plan(self.plan_file, {part: result["plan"]})


@pytest.fixture
def bound(kubeconfig: Path, tmp_path: Path) -> Bound:
    return Bound(kubeconfig, tmp_path / "plan.json", f"s-{uuid.uuid4().hex[:10]}")


@pytest.mark.parametrize("kind", NAMES)
def test_an_object_that_moved_is_refused(bound: Bound, client: KubeClient, kind: str) -> None:
    bound.components("small")
    bound.write(COMPONENTS, bound.components("big", check=True))
    edit(client, NAMES[kind].format(ns=bound.name), NOTE)
    before = survey.take(client)
    with pytest.raises(
        UnsafeError, match=rf": {kind} {bound.name}/.*planned update from .*; found"
    ):
        bound.components("big", approved=True)
    assert survey.differences(before, survey.take(client)) == set()


def test_an_object_that_went_or_came_is_refused(bound: Bound, client: KubeClient) -> None:
    bound.components("small")
    settings, web = (NAMES[kind].format(ns=bound.name) for kind in ("ConfigMap", "Service"))
    found = client.get(web)
    remove(client, web)
    bound.write(COMPONENTS, bound.components("big", check=True))
    remove(client, settings)
    create(
        client,
        web,
        {key: found[key] for key in ("apiVersion", "kind", "spec")}
        | {"metadata": {"name": "web", "namespace": bound.name}},
    )
    before = survey.take(client)
    with pytest.raises(UnsafeError) as refused:
        bound.components("big", approved=True)
    said = str(refused.value)
    assert f"ConfigMap {bound.name}/settings ({bound.name}): planned update from" in said
    assert "found create from [is absent]" in said
    assert (
        f"Service {bound.name}/web ({bound.name}): planned create from [is absent]; found" in said
    )
    assert survey.differences(before, survey.take(client)) == set()


def test_an_object_to_prune_that_moved_is_refused(bound: Bound, client: KubeClient) -> None:
    bound.components("small")
    left = OBJECTS.partition("---")[0].format(ns=bound.name)
    parsed = [(bound.name, parse_objects(left, "test"))]
    options = Options(ready_seconds=0)
    bound.write(COMPONENTS, converge(client, parsed, options, check=True))
    edit(client, NAMES["Service"].format(ns=bound.name), NOTE)
    approval = approval_of(bound.plan_file, COMPONENTS)
    with pytest.raises(UnsafeError, match=r"Service .*planned delete from .*; found delete from"):
        converge(client, parsed, options, check=False, approval=approval)
    assert client.get(NAMES["ConfigMap"].format(ns=bound.name))


def _label(client: KubeClient, path: str) -> None:
    edit(client, path, {"metadata": {"labels": {"workload": "moved"}}})


def _taint(client: KubeClient, path: str) -> None:
    taint = {"key": "dedicated", "value": "moved", "effect": "NoSchedule"}
    edit(client, path, {"spec": {"taints": [taint]}})


@pytest.mark.parametrize(
    ("move", "words"), [(_label, "workload': 'moved"), (_taint, "dedicated=moved:NoSchedule")]
)
def test_a_label_or_taint_that_moved_is_refused(
    bound: Bound, client: KubeClient, move: Callable[[KubeClient, str], None], words: str
) -> None:
    path = f"/api/v1/nodes/{bound.name}"
    client.apply(path, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": bound.name}})
    bound.write(NODE_POOLS, bound.pools(check=True))
    move(client, path)
    before = survey.take(client)
    with pytest.raises(UnsafeError, match=rf"Node {bound.name} \(node_pools\): planned") as refused:
        bound.pools(approved=True)
    assert words in str(refused.value)
    assert survey.differences(before, survey.take(client)) == set()
    remove(client, path)


def test_an_approved_plan_applied_twice_has_nothing_to_do(bound: Bound, client: KubeClient) -> None:
    path = f"/api/v1/nodes/{bound.name}"
    client.apply(path, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": bound.name}})
    bound.components("small")
    pools, components = bound.pools(check=True), bound.components("big", check=True)
    write_plan(bound.plan_file, {NODE_POOLS: pools["plan"], COMPONENTS: components["plan"]})
    assert bound.pools(approved=True)["plan"] == pools["plan"]
    assert bound.components("big", approved=True)["plan"] == components["plan"]
    after = survey.take(client)
    assert bound.pools(approved=True)["changed"] is False
    assert bound.components("big", approved=True)["changed"] is False
    assert survey.differences(after, survey.take(client)) == set()
    remove(client, path)

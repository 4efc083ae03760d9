"""What the foundation refuses, asked of a real API server: each refusal beside what is admitted."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError

from .conftest import Platform

NAMESPACES = ["core", "agents", "data", "messaging", "observability", "ingress"]
SECURE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESOURCES = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}}
FORCE_SECONDS = 20.0  # a policy is in force some seconds after it was written


def pod_spec(**changes: Any) -> dict[str, Any]:
    """Return a pod's specification that is admitted everywhere; changes go to its container."""
    container = {
        "name": "main",
        "image": "ghcr.io/biomax/platform/network-probe:0.1.0",
        "securityContext": SECURE,
        "resources": RESOURCES,
    }
    return {"containers": [{**container, **changes}]}


def pod(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asked"}, "spec": spec}


def workload(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a workload around a pod's specification."""
    labels = {"app": "asked"}
    template = {"metadata": {"labels": labels}, "spec": {**spec}}
    body: dict[str, Any] = {"template": template}
    if kind in ("Job", "CronJob"):
        template["spec"]["restartPolicy"] = "Never"
        body = {"template": template}
    else:
        body["selector"] = {"matchLabels": labels}
    if kind == "CronJob":
        body = {"schedule": "0 0 * * *", "jobTemplate": {"spec": body}}
    version = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "asked"}, "spec": body}


PLURALS = {
    "Pod": "api/v1/namespaces/{}/pods",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "DaemonSet": "apis/apps/v1/namespaces/{}/daemonsets",
    "StatefulSet": "apis/apps/v1/namespaces/{}/statefulsets",
    "Job": "apis/batch/v1/namespaces/{}/jobs",
    "CronJob": "apis/batch/v1/namespaces/{}/cronjobs",
    "Service": "api/v1/namespaces/{}/services",
}


class Cluster:
    """Asks the API server whether it would admit an object (dry run)."""

    def __init__(self, client: KubeClient) -> None:
        self.client = client

    def refusal(self, namespace: str, item: dict[str, Any]) -> str:
        """Return why the object is refused; empty when it is admitted."""
        path = f"/{PLURALS[item['kind']].format(namespace)}/{item['metadata']['name']}"
        asked = copy.deepcopy(item)
        asked["metadata"]["namespace"] = namespace
        return self.ask(path, asked)

    def ask(self, path: str, item: dict[str, Any]) -> str:
        try:
            self.client.apply(path, item, dry_run=True)
        except ClusterError as error:
            return str(error)
        return ""


@pytest.fixture(scope="module")
def cluster(platform: Platform) -> Iterator[Cluster]:
    """The cluster with its policies in force."""
    platform.run()
    found = Cluster(open_client(str(platform.state / "kubeconfig")))
    item = pod(pod_spec(image="evil.example/x:1"))
    deadline = time.monotonic() + FORCE_SECONDS
    while not found.refusal("default", item):
        assert time.monotonic() < deadline, "no policy is in force"
        time.sleep(0.2)
    yield found


@pytest.mark.parametrize("namespace", [f"biomax-{name}" for name in NAMESPACES])
def test_a_pod_as_it_should_be_is_admitted_everywhere(cluster: Cluster, namespace: str) -> None:
    assert cluster.refusal(namespace, pod(pod_spec())) == ""


@pytest.mark.parametrize(
    "namespace", [*(f"biomax-{name}" for name in NAMESPACES), "default", "kube-public"]
)
def test_a_privileged_pod_is_refused_everywhere(cluster: Cluster, namespace: str) -> None:
    spec = pod_spec(securityContext={"privileged": True})
    assert 'violates PodSecurity "restricted' in cluster.refusal(namespace, pod(spec))


def test_a_privileged_pod_runs_where_the_list_says_so(cluster: Cluster) -> None:
    spec = pod_spec(securityContext={"privileged": True})
    assert cluster.refusal("kube-system", pod(spec)) == ""


@pytest.mark.parametrize("kind", sorted(set(PLURALS) - {"Pod", "Service"}))
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "docker.io/library/nginx:1"}, "Image docker.io/library/nginx:1 is refused"),
        ({"resources": {}}, "Container main is refused: it lacks a request"),
    ],
)
def test_workloads_are_refused_before_they_make_pods(
    cluster: Cluster, kind: str, changes: dict[str, Any], message: str
) -> None:
    assert cluster.refusal("biomax-data", workload(kind, pod_spec())) == ""
    assert message in cluster.refusal("biomax-data", workload(kind, pod_spec(**changes)))


@pytest.mark.parametrize("key", ["initContainers", "containers"])
def test_every_container_is_judged(cluster: Cluster, key: str) -> None:
    spec = pod_spec()
    foreign = {**spec["containers"][0], "name": "other", "image": "evil.example/x:1"}
    spec[key] = [*spec.get(key, []), foreign]
    assert "Image evil.example/x:1 is refused" in cluster.refusal("biomax-core", pod(spec))


def test_a_foreign_image_is_refused_where_pods_may_be_privileged(cluster: Cluster) -> None:
    item = pod(pod_spec(image="evil.example/x:1"))
    assert "evil.example/x:1 is refused" in cluster.refusal("kube-system", item)


def test_a_host_path_is_refused_but_for_the_exceptions(cluster: Cluster) -> None:
    item = workload("DaemonSet", pod_spec())
    item["spec"]["template"]["spec"]["volumes"] = [{"name": "h", "hostPath": {"path": "/etc"}}]
    assert "A volume of type hostPath is refused" in cluster.refusal("biomax-core", item)
    assert "A volume of type hostPath is refused" in cluster.refusal("default", item)
    assert cluster.refusal("kube-system", item) == ""


def test_external_addresses_are_refused(cluster: Cluster) -> None:
    item: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "asked"},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "x"}},
    }
    assert cluster.refusal("biomax-core", item) == ""
    item["spec"]["externalIPs"] = ["192.0.2.9"]
    assert "externalIPs of a service are refused" in cluster.refusal("biomax-core", item)


@pytest.mark.parametrize(
    ("name", "level", "admitted"),
    [
        ("shop", "restricted", True),
        ("shop", "", False),
        ("shop", "baseline", False),
        ("shop", "privileged", False),
        ("biomax-core", "privileged", False),
        ("calico-system", "privileged", True),
    ],
)
def test_only_named_namespaces_may_admit_more(
    cluster: Cluster, name: str, level: str, admitted: bool
) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    item = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    said = cluster.ask(f"/api/v1/namespaces/{name}", item)
    assert ("is refused: label it" not in said) == admitted, said

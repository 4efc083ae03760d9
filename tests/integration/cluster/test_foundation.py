"""What the foundation refuses, asked of a real API server: each refusal beside what is admitted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client

from tests.support.admission import PLURALS, Admission, pod, pod_spec, workload

from .conftest import Platform

NAMESPACES = ["core", "agents", "data", "messaging", "observability", "ingress"]
FORCE_SECONDS = 20.0  # a policy is in force some seconds after it was written


@pytest.fixture(scope="module")
def cluster(platform: Platform) -> Iterator[Admission]:
    """The cluster with its policies in force."""
    platform.run()
    found = Admission(open_client(str(platform.state / "kubeconfig")))
    item = pod(pod_spec(image="evil.example/x:1"))
    deadline = time.monotonic() + FORCE_SECONDS
    while not found.refusal("default", item):
        assert time.monotonic() < deadline, "no policy is in force"
        time.sleep(0.2)
    yield found


@pytest.mark.parametrize("namespace", [f"biomax-{name}" for name in NAMESPACES])
def test_a_pod_as_it_should_be_is_admitted_everywhere(cluster: Admission, namespace: str) -> None:
    assert cluster.refusal(namespace, pod(pod_spec())) == ""


@pytest.mark.parametrize(
    "namespace", [*(f"biomax-{name}" for name in NAMESPACES), "default", "kube-public"]
)
def test_a_privileged_pod_is_refused_everywhere(cluster: Admission, namespace: str) -> None:
    spec = pod_spec(securityContext={"privileged": True})
    assert 'violates PodSecurity "restricted' in cluster.refusal(namespace, pod(spec))


def test_a_privileged_pod_runs_where_the_list_says_so(cluster: Admission) -> None:
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
    cluster: Admission, kind: str, changes: dict[str, Any], message: str
) -> None:
    assert cluster.refusal("biomax-data", workload(kind, pod_spec())) == ""
    assert message in cluster.refusal("biomax-data", workload(kind, pod_spec(**changes)))


@pytest.mark.parametrize("key", ["initContainers", "containers"])
def test_every_container_is_judged(cluster: Admission, key: str) -> None:
    spec = pod_spec()
    foreign = {**spec["containers"][0], "name": "other", "image": "evil.example/x:1"}
    spec[key] = [*spec.get(key, []), foreign]
    assert "Image evil.example/x:1 is refused" in cluster.refusal("biomax-core", pod(spec))


def test_a_foreign_image_is_refused_where_pods_may_be_privileged(cluster: Admission) -> None:
    item = pod(pod_spec(image="evil.example/x:1"))
    assert "evil.example/x:1 is refused" in cluster.refusal("kube-system", item)


def test_a_host_path_is_refused_but_for_the_exceptions(cluster: Admission) -> None:
    item = workload("DaemonSet", pod_spec())
    item["spec"]["template"]["spec"]["volumes"] = [{"name": "h", "hostPath": {"path": "/etc"}}]
    assert "A volume of type hostPath is refused" in cluster.refusal("biomax-core", item)
    assert "A volume of type hostPath is refused" in cluster.refusal("default", item)
    assert cluster.refusal("kube-system", item) == ""


def test_external_addresses_are_refused(cluster: Admission) -> None:
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
    cluster: Admission, name: str, level: str, admitted: bool
) -> None:
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    item = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
    }
    said = cluster.ask(f"/api/v1/namespaces/{name}", item)
    assert ("is refused: label it" not in said) == admitted, said

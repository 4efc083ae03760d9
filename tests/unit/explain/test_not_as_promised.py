"""A component that does not become ready, and a cluster that is not as promised: where to look."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.explain import pod_troubles
from ansible_collections.biomax.platform.plugins.module_utils.cluster.verdict import (
    Check,
    Facts,
    judge_cluster,
)
from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
)
from ansible_collections.biomax.platform.plugins.module_utils.explain.judge import first_cause

SITE = Site(inventory="inventories/site", kubeconfig=".lab/kubeconfig")
KUBE = "kubectl --kubeconfig .lab/kubeconfig"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


def cause(text: str) -> Cause:
    found = first_cause([Failure(host=CONTROLLER, task="Converge", text=text, number=1)], SITE)
    assert found
    return found[1]


def not_ready(why: str, ref: str = "Deployment biomax-core/hello") -> Cause:
    told = f" [{why}]" if why else ""
    return cause(
        f"Component hello is not ready after 180 s: {ref}: 0 of 2 replicas are available{told}. "
        "Cure the cause and run again; what was applied stays."
    )


def pod(*containers: dict[str, Any], node: str = "w1", scheduled: str = "") -> str:
    """Return the words for a pod with these states of its containers."""
    conditions = [{"type": "PodScheduled", "status": "False", "message": scheduled}]
    status = {"containerStatuses": containers, "conditions": conditions if scheduled else []}
    metadata = {"namespace": "biomax-core", "name": "hello-5d"}
    (words,) = pod_troubles(
        [{"metadata": metadata, "spec": {"nodeName": node} if node else {}, "status": status}]
    )
    return words


def verdict(check: str, passed: int, *missing: str) -> Cause:
    line = Check(check, passed, missing).line()
    return cause(f"The cluster is not as promised after 120 s. {line}")


def test_a_container_that_ends_again_and_again_is_read_in_its_log() -> None:
    waits = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting"}}
    words = pod({"name": "server", "state": waits})
    found = not_ready(f"{words}; hello-5d: BackOff: Back-off restarting failed container")
    assert found.fact == (
        "component hello is not ready: pod biomax-core/hello-5d: container server waits "
        "(CrashLoopBackOff: back-off 40s restarting)"
    )
    assert (found.host, found.typed_at) == ("w1", CONTROLLER)
    assert found.command == f"{KUBE} logs -n biomax-core hello-5d -c server --previous"


def test_a_container_that_has_ended_is_read_in_its_log() -> None:
    ended = {"terminated": {"reason": "Error", "message": "no such table: users; giving up"}}
    found = not_ready(pod({"name": "server", "state": ended}))
    assert found.fact.endswith("container server ended (Error: no such table: users; giving up)")
    assert found.command == f"{KUBE} logs -n biomax-core hello-5d -c server"


def test_a_container_that_cannot_be_made_is_described() -> None:
    waits = {"waiting": {"reason": "CreateContainerConfigError", "message": "secret x not found"}}
    found = not_ready(pod({"name": "server", "state": waits}))
    assert found.command == f"{KUBE} describe pod -n biomax-core hello-5d"


def test_a_pod_without_a_place() -> None:
    found = not_ready(pod(node="", scheduled="0/7 nodes are available: 7 Insufficient cpu"))
    assert "not scheduled (0/7 nodes are available: 7 Insufficient cpu)" in found.fact
    assert (found.host, found.command) == (
        CONTROLLER,
        f"{KUBE} describe pod -n biomax-core hello-5d",
    )
    assert "pool" in found.remedy


@pytest.mark.parametrize(
    ("ref", "command"),
    [
        ("Deployment biomax-core/hello", "describe Deployment -n biomax-core hello"),
        ("ClusterIssuer internal", "describe ClusterIssuer internal"),
    ],
)
def test_an_object_without_pods_is_described(ref: str, command: str) -> None:
    found = not_ready("", ref)
    assert found.fact == f"component hello is not ready: {ref}: 0 of 2 replicas are available"
    assert found.command == f"{KUBE} {command}"


def test_a_node_that_is_not_ready() -> None:
    node = {"metadata": {"name": "w1"}, "status": {"conditions": []}}
    ready = {"metadata": {"name": "w2"}, "status": READY}
    facts = Facts([node, ready], [], {}, {}, "")
    lines = "; ".join(check.line() for check in judge_cluster(facts, ["w1", "w2"]) if not check.ok)
    found = cause(f"The cluster is not as promised after 120 s. {lines}")
    assert found.fact == "nodes of the inventory are Ready: w1 is not Ready (no condition)"
    assert (found.host, found.typed_at) == ("w1", "")
    assert found.command == "journalctl -u kubelet -n 50 --no-pager"
    assert "absent" in found.remedy


def test_a_node_that_nobody_declared() -> None:
    found = verdict("nodes of the inventory are Ready", 2, "w9 is in the cluster and not in it")
    assert (found.host, found.command) == (CONTROLLER, f"{KUBE} get nodes -o wide")


def test_a_request_that_nobody_approved() -> None:
    found = verdict(
        "kubelet serving certificates are approved", 1, "w1: request csr-9 is not approved"
    )
    assert found.command == f"{KUBE} get csr"


def test_what_a_probe_did_not_reach() -> None:
    found = verdict(
        "a pod on each node reaches the pods on all others",
        3,
        "w1 to w2: i/o of the probe ended",
        "w2 to w1: i/o of the probe ended",
    )
    assert found.fact == (
        "a pod on each node reaches the pods on all others: w1 to w2: i/o of the probe ended"
    )
    assert (found.host, found.typed_at) == ("w1", CONTROLLER)
    assert found.command == f"{KUBE} get pods -A -o wide --field-selector spec.nodeName=w1"


def test_an_api_that_is_not_whole_keeps_its_own_words() -> None:
    found = verdict("the API answers through the endpoint", 0, "Cannot read /readyz: etcd failed")
    assert found.fact.endswith("Cannot read /readyz: etcd failed")

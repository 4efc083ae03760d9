"""The status page says what is not as it should be."""

from __future__ import annotations

import datetime
import json
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    Reply,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.status import (
    days_left,
    page,
    read_status,
)

NODE = {
    "metadata": {"name": "db1"},
    "spec": {"unschedulable": True, "taints": [{"key": "dedicated", "effect": "NoSchedule"}]},
    "status": {
        "conditions": [{"type": "Ready", "status": "False"}],
        "addresses": [{"type": "Hostname", "address": "db1"}],
        "nodeInfo": {"kubeletVersion": "v1.36.3"},
    },
}
POD = {"metadata": {"name": "etcd-cp1", "namespace": "kube-system"}, "status": {"phase": "Running"}}
WORKLOAD = {
    "metadata": {"name": "coredns", "namespace": "kube-system", "generation": 1},
    "spec": {"replicas": 0},
    "status": {"observedGeneration": 1},
}


class Answers:
    """Transport that answers by the path."""

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        assert (method, body, content_type) == ("GET", None, "application/json")
        found: dict[str, Any] = {
            "/version": {"gitVersion": "v1.36.3"},
            "/api/v1/nodes": {"items": [NODE]},
            "/api/v1/namespaces/kube-system/pods": {"items": [POD]},
            "/apis/apps/v1/deployments": {"items": [WORKLOAD]},
            "/apis/apps/v1/daemonsets": {"items": []},
            "/apis/apps/v1/statefulsets": {"items": None},
        }
        bare = path.split("?", maxsplit=1)[0]
        if bare == "/readyz":
            return Reply(500, b"[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed")
        return Reply(200, json.dumps(found[bare]).encode())


def test_page() -> None:
    status = read_status(KubeClient(Answers(), 0.0))
    assert page(status, {"the API": 364.5}) == [
        "API v1.36.3: failing etcd failed: reason withheld",
        "node db1                         v1.36.3   NOT READY, cordoned, dedicated",
        "NOT READY  Pod kube-system/etcd-cp1: phase Running, condition Ready is absent",
        "ready      Deployment kube-system/coredns",
        "certificate of the API: 364.5 days left",
    ]


def test_days_left() -> None:
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    assert days_left(now + datetime.timedelta(hours=36), now) == 1.5
    assert days_left(now - datetime.timedelta(days=2), now) == -2.0

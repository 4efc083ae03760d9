"""Asks an API server whether it would admit an object, by dry runs that change nothing."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError

SECURE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
RESOURCES = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}}


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


class Admission:
    """What one API server says."""

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

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a cluster from outside, through its endpoint, until it is as promised."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.verdict import (
    Check,
    Facts,
    judge_cluster,
)

NAMESPACE = "biomax-platform"
PROBE_SELECTOR = "app.kubernetes.io/name=network-probe"
PROBE_PORT = 8080

# Many probes wait for each other; the API server holds the connections, so this costs no CPU.
_PARALLEL = 8

Pod = Mapping[str, Any]


def verify(
    client: KubeClient, members: Sequence[str], absent: Collection[str], deadline_seconds: float
) -> tuple[list[Check], float]:
    """Read and judge until everything is as promised or the time is over.

    Args:
        client: Client of the cluster.
        members: Names of the nodes that the inventory promises.
        absent: Names of nodes that are known to be dead.
        deadline_seconds: How long to go on asking.

    Returns:
        The last verdict and the seconds it took to get there.
    """
    started = client.pace.clock()
    while True:
        checks = judge_cluster(read_facts(client), members, absent)
        spent = client.pace.clock() - started
        if all(check.ok for check in checks) or spent >= deadline_seconds:
            return checks, round(spent, 3)
        client.pace.sleep(1.0)


def read_facts(client: KubeClient) -> Facts:
    """Read everything that the verdict needs; refusals become reasons, never exceptions."""
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        api = pool.submit(_reason, lambda: client.text("/readyz"))
        nodes = pool.submit(_items, client, "/api/v1/nodes", "")
        requests = pool.submit(
            _items,
            client,
            "/apis/certificates.k8s.io/v1/certificatesigningrequests",
            "spec.signerName=kubernetes.io/kubelet-serving",
        )
        pods = _probe_pods(client)
        results = dict(
            zip(pods, pool.map(lambda pod: _result(client, pod), pods.values()), strict=True)
        )
        logs = dict(zip(pods, pool.map(lambda pod: _log(client, pod), pods.values()), strict=True))
        return Facts(nodes.result(), requests.result(), results, logs, api.result())


def _probe_pods(client: KubeClient) -> dict[str, Pod]:
    """Newest living probe pod of each node."""
    try:
        path = f"/api/v1/namespaces/{NAMESPACE}/pods"
        items = client.get(path, labelSelector=PROBE_SELECTOR)["items"] or []
    except ClusterError:
        return {}
    alive = [item for item in items if not item["metadata"].get("deletionTimestamp")]
    alive.sort(key=lambda item: str(item["metadata"].get("creationTimestamp", "")))
    return {
        item["spec"]["nodeName"]: item for item in alive if item.get("spec", {}).get("nodeName")
    }


def _pod_path(pod: Pod) -> str:
    return f"/api/v1/namespaces/{NAMESPACE}/pods/{quote(pod['metadata']['name'])}"


def _result(client: KubeClient, pod: Pod) -> Mapping[str, Any] | str:
    """Answer of a fresh round of one probe, or the reason why there is none."""
    name = pod["metadata"]["name"]
    try:
        text = client.text(f"{_pod_path(pod)}:{PROBE_PORT}/proxy/results", fresh="1")
        parsed = json.loads(text)
    except (ClusterError, ValueError) as error:
        return f"probe {name} does not answer ({error})"
    return parsed if isinstance(parsed, dict) else f"probe {name} answers {text[:80]!r}"


def _log(client: KubeClient, pod: Pod) -> str:
    return _reason(lambda: client.text(f"{_pod_path(pod)}/log", tailLines="1"))


def _reason(read: Callable[[], object]) -> str:
    """Empty when the read works, otherwise the reason."""
    try:
        read()
    except ClusterError as error:
        return str(error)
    return ""


def _items(client: KubeClient, path: str, selector: str) -> list[dict[str, Any]]:
    query = {"fieldSelector": selector} if selector else {}
    try:
        return list(client.get(path, **query)["items"] or ())
    except ClusterError:
        return []

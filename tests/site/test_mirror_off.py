"""Without the mirror a site goes on: what ran on a node runs there again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.readiness import condition

from tests.support.database import KUBECONFIG, Database, wait_until
from tests.support.site import lab, on_host, run_playbook

NODE = "db1"  # the database's
STAYING = ("DaemonSet", "StatefulSet", "Cluster")  # owners whose pods come back to their node
SECONDS = 400.0
CLOCK_SECONDS = 90.0  # from the power on: what a run waits for (base_os_time_ready_seconds)
Pod = dict[str, Any]


@pytest.fixture
def without_mirror(site: str) -> Iterator[KubeClient]:
    """The API of a site whose mirror has no power."""
    lab("power-off", "mirror1")
    try:
        yield open_client(str(KUBECONFIG))
    finally:
        lab("power-on", "mirror1")


def pods(client: KubeClient) -> list[Pod]:
    return [
        pod
        for pod in client.get("/api/v1/pods")["items"]
        if pod["status"]["phase"] not in ("Succeeded", "Failed")
    ]


def containers(pod: Pod) -> set[str]:
    return {str(row.get("containerID")) for row in pod["status"].get("containerStatuses", [])}


def ready(pod: Pod) -> bool:
    deleted = "deletionTimestamp" in pod["metadata"]
    return not deleted and condition(pod, "Ready").get("status") == "True"


@pytest.mark.lab
def test_a_rebooted_node_starts_all_its_pods(without_mirror: KubeClient) -> None:
    def there() -> list[Pod]:
        return [pod for pod in pods(without_mirror) if pod["spec"].get("nodeName") == NODE]

    before = there()
    old = set[str]().union(*(containers(pod) for pod in before))
    names = {pod["metadata"]["name"] for pod in before}
    assert any(name.startswith("postgresql-") for name in names), names

    def back() -> bool:
        now = there()
        again = {pod["metadata"]["name"] for pod in now if ready(pod) and not containers(pod) & old}
        return again >= names

    lab("power-off", NODE)
    lab("power-on", NODE)
    took = wait_until(f"the pods of {NODE} run again: {sorted(names)}", back, SECONDS)
    print(f"{len(names)} pods of {NODE} ran again {took:.0f} s after its power")
    assert Database().query("SELECT 1") == "1"


@pytest.mark.lab
def test_deleted_pods_come_back(without_mirror: KubeClient) -> None:
    def staying() -> dict[str, Pod]:
        return {
            pod["metadata"]["uid"]: pod
            for pod in pods(without_mirror)
            if any(owner["kind"] in STAYING for owner in pod["metadata"].get("ownerReferences", ()))
        }

    before = staying()
    assert len(before) > 10
    for uid, pod in before.items():
        place = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods"
        without_mirror.delete(f"{place}/{pod['metadata']['name']}", uid)

    def back() -> bool:
        now = staying()
        return (
            len(now) == len(before)
            and not now.keys() & before.keys()
            and all(map(ready, now.values()))
        )

    took = wait_until("every deleted pod has a ready successor", back, SECONDS)
    print(f"{len(before)} deleted pods had ready successors after {took:.0f} s")
    verified = run_playbook("playbooks/verify.yml")
    assert verified.returncode == 0, verified.output[-6000:]
    assert Database().query("SELECT 1") == "1"


@pytest.mark.lab
def test_a_node_that_started_without_its_time_source_has_the_time_soon(site: str) -> None:
    def synchronised() -> bool:
        return "yes" in on_host(NODE, "chronyc -n waitsync 1 >/dev/null && echo yes || true")

    took = wait_until(f"the clock of {NODE} follows the mirror's", synchronised, CLOCK_SECONDS)
    print(f"{NODE} had the time {took:.0f} s after the mirror was back")

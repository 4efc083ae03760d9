"""Services of type LoadBalancer: answered outside, moved after a power cut, never on a store."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    ClusterError,
    MissingError,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.networks import parse_range

from tests.support.site import ROOT, lab, on_host, run_tool

NETWORK = yaml.safe_load((ROOT / "inventories/lab/group_vars/all/network.yml").read_text())
POOL = NETWORK["load_balancer_pools"][0]
ALLOWED = {"platform.biomax.ai/load-balancer": "allowed"}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
ANNOUNCING = ("app1", "ml1")
READ_CARD = "cat /sys/class/net/host0/address"
BACKEND = "db1"  # it announces nothing, so what moves is the address and not the program
MOVE_SECONDS = 20.0  # memberlist needs 3 to 6 s to be sure that a node is dead


def wait_for(what: str, ask: Callable[[], Any], seconds: float) -> Any:
    """Return the first true answer of `ask`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.2)
    return answer


def healthy(address: str) -> bool:
    """Return whether the service answers this machine, which is no node, within a second."""
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=1) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def service(name: str, namespace: str, **annotations: str) -> dict[str, Any]:
    """Return a service of type LoadBalancer."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": "web"},
            "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
        },
    }


def pod(namespace: str) -> dict[str, Any]:
    """Return a pod that answers HTTP on port 8080: CoreDNS with its health page and no zone."""
    container = {
        "name": "web",
        "image": "registry.k8s.io/coredns/coredns:v{}".format(
            yaml.safe_load((ROOT / "inventories/lab/group_vars/all/cluster.yml").read_text())[
                "kube_coredns_version"
            ]
        ),
        "args": ["-conf", "/etc/coredns/Corefile"],
        "volumeMounts": [{"name": "conf", "mountPath": "/etc/coredns"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "readinessProbe": {"httpGet": {"port": 8080, "path": "/health"}, "periodSeconds": 1},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": namespace, "labels": {"app": "web"}},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": BACKEND},
            "tolerations": [{"operator": "Exists"}],
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            "volumes": [{"name": "conf", "configMap": {"name": "web"}}],
        },
    }


class Namespace:
    """A namespace of a test; one that the platform has already is used as it is."""

    def __init__(self, name: str, labels: dict[str, str]) -> None:
        self.client: KubeClient = open_client(str(ROOT / ".lab/kubeconfig"))
        self.name = name
        try:
            self.client.get(self.path)
            self.made = False
        except MissingError:
            metadata = {"name": name, "labels": {**RESTRICTED, **labels}}
            wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            self.client.apply(self.path, wanted)
            self.made = True

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.name}"

    def apply(self, plural: str, item: dict[str, Any]) -> None:
        self.client.apply(f"{self.path}/{plural}/{item['metadata']['name']}", item)

    def remove(self) -> None:
        if self.made:
            self.client.delete(self.path, self.client.get(self.path)["metadata"]["uid"])

    def address(self, name: str) -> str:
        """Return the address of a service; empty while it has none."""
        found = self.client.get(f"{self.path}/services/{name}")
        rows = found.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
        return str(rows[0].get("ip", ""))


def announcer(address: str) -> str:
    """Return the host whose network card this machine's neighbour table has for an address."""
    return next(host for host in ANNOUNCING if on_host(host, READ_CARD).strip() == card(address))


def card(address: str) -> str:
    """Return the hardware address that this machine knows for an address."""
    rows = json.loads(run_tool(["ip", "-json", "neigh", "show", address], 10).stdout)
    return str(rows[0]["lladdr"])


@pytest.fixture
def published(site: str) -> Iterator[Namespace]:
    """A namespace that may publish, with a service that asks for the pool."""
    made = Namespace(f"published-{uuid.uuid4().hex[:8]}", ALLOWED)
    corefile = ".:5353 {\n    health :8080\n}\n"
    configuration = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": made.name},
        "data": {"Corefile": corefile},
    }
    made.apply("configmaps", configuration)
    made.apply("pods", pod(made.name))
    annotation = {"metallb.io/address-pool": POOL["name"]}
    made.apply("services", service("web", made.name, **annotation))
    yield made
    made.remove()


@pytest.mark.lab
@pytest.mark.destructive
def test_a_service_is_reached_from_outside_and_moves_when_its_node_dies(
    published: Namespace,
) -> None:
    address = wait_for("an address", lambda: published.address("web"), 30)
    first, last = parse_range(POOL["addresses"][0])
    assert int(first) <= int(ip_address(address)) <= int(last)
    wait_for(f"an answer of {address}", lambda: healthy(address), 60)
    lost = announcer(address)
    cut = time.monotonic()  # the command takes a moment itself
    lab("power-off", lost)
    try:
        wait_for(f"{address} on another node", lambda: healthy(address), MOVE_SECONDS)
        print(f"{address} answered again {time.monotonic() - cut:.1f} s after power loss of {lost}")
        assert all(healthy(address) for _ in range(10))
        other = next(host for host in ANNOUNCING if host != lost)
        assert card(address) == on_host(other, READ_CARD).strip()
    finally:
        lab("power-on", lost)
    node = f"/api/v1/nodes/{lost}"
    wait_for(f"{lost} ready", lambda: is_ready(published.client.get(node)), 120)
    assert wait_for("an answer afterwards", lambda: healthy(address), 10)


def is_ready(node: dict[str, Any]) -> bool:
    """Return whether a node is ready."""
    return any(
        row["type"] == "Ready" and row["status"] == "True" for row in node["status"]["conditions"]
    )


@pytest.mark.lab
def test_a_service_that_names_no_pool_gets_no_address(published: Namespace) -> None:
    published.apply("services", service("silent", published.name))
    wait_for("the other service's address", lambda: published.address("web"), 30)
    assert published.address("silent") == ""


@pytest.mark.lab
@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("biomax-data", ALLOWED, "holds stores, which are never reachable from outside"),
        (f"closed-{uuid.uuid4().hex[:8]}", {}, "may not publish services"),
    ],
)
def test_a_namespace_that_may_not_publish_is_refused(
    site: str, name: str, labels: dict[str, str], message: str
) -> None:
    made = Namespace(name, labels)
    try:
        with pytest.raises(ClusterError, match=message):
            made.apply("services", service("store", name))
        internal = service("store", name)
        internal["spec"]["type"] = "ClusterIP"
        made.apply("services", internal)
        with pytest.raises(ClusterError, match=message):
            made.apply("services", service("store", name))
    finally:
        found = made.client.get(f"{made.path}/services/store")
        made.client.delete(f"{made.path}/services/store", found["metadata"]["uid"])
        made.remove()

"""Pods that stand for the parties of the flows, and real connections from each to each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError

from tests.support.admission import SECURE
from tests.support.site import ROOT

IMAGE = "ghcr.io/biomax/platform/reachability:0.1.0"
NODES = ("app1", "db1", "ml1")
API = "tcp:10.96.0.1:443"
NAME = "dns:kubernetes.default.svc.cluster.local."
SERVICE_LABEL = "platform.biomax.ai/service"
PREFIX = "reachability-"
_ROLE = ROOT / "roles/pod_flows/defaults/main.yml"
_NETWORK = ROOT / "inventories/lab/group_vars/all/network.yml"
_API_PORT = 6443


@dataclass(frozen=True)
class Flows:
    """The flows as a person reads them: no policy, no selector.

    Attributes:
        parties: namespace and service of each party that is pods of the platform.
        rows: (party that asks, party that answers, port) over TCP.
    """

    parties: Mapping[str, tuple[str, str]]
    rows: frozenset[tuple[str, str, int]]

    @property
    def ports(self) -> list[int]:
        """Every port of a pod that any flow names."""
        return sorted({port for _, target, port in self.rows if target in self.parties})

    def allowed(self, source: str, target: str, port: int) -> bool:
        """Tell whether pods of one party may reach those of another on a port."""
        return any(
            self._covers(asking, source) and self._covers(answering, target) and port == number
            for asking, answering, number in self.rows
        )

    def _covers(self, wide: str, party: str) -> bool:
        if wide not in self.parties or party not in self.parties:
            return wide == party
        namespace, service = self.parties[wide]
        return namespace == self.parties[party][0] and service in ("", self.parties[party][1])


def declared_flows() -> Flows:
    """Read the platform's flows from the role, for the lab."""
    role = yaml.safe_load(_ROLE.read_text())
    parties = {
        name: (party["namespace"], party.get("service", ""))
        for name, party in role["pod_flows_parties"].items()
        if party.get("namespace") in role["pod_flows_namespaces"]
    }
    rows = {
        (source, target, port if isinstance(port, int) else _API_PORT)
        for flow in role["pod_flows_platform"]
        if flow.get("protocol", "TCP") == "TCP"
        for source in flow["from"]
        for target in flow["to"]
        for port in flow["ports"]
    }
    return Flows(parties, frozenset(rows))


@dataclass(frozen=True)
class Attempt:
    """One connection: who asked, what, whether it should be and was open."""

    source: str
    target: str
    wanted: bool
    found: bool
    said: str


class Parties:
    """One pod for each party. It accepts connections on every port that any flow names."""

    def __init__(self, client: KubeClient, flows: Flows) -> None:
        self.client, self.flows = client, flows
        self._round = 0
        self.addresses: dict[str, str] = {}
        self.hosts: dict[str, str] = {}

    def start(self, seconds: float) -> None:
        """Start the pods and wait until all are ready."""
        self.remove(seconds)
        for position, name in enumerate(self.flows.parties):
            self.client.apply(self._path(name), self._pod(name, NODES[position % len(NODES)]))
        for name in self.flows.parties:
            status = _wait(f"pod of {name}", partial(self._ready, name), seconds)
            self.addresses[name], self.hosts[name] = status["podIP"], status["hostIP"]
        time.sleep(3)  # a peer that starts is let in when the API shows its address

    def remove(self, seconds: float = 60) -> None:
        """End the pods."""
        for name in self.flows.parties:
            try:
                found = self.client.get(self._path(name))
                self.client.delete(self._path(name), found["metadata"]["uid"])
            except MissingError:
                continue
        _wait("end of the pods", lambda: not any(map(self._exists, self.flows.parties)), seconds)

    def attempts(self, sources: Iterable[str] = (), seconds: float = 120) -> list[Attempt]:
        """Try every connection from the pods of `sources` (default: all) and say what was open."""
        self._round += 1
        chosen = list(sources) or list(self.flows.parties)
        asked = {name: self._targets(name) for name in chosen}
        for name in chosen:
            self._ask(name, list(asked[name]))
        found = []
        for name in chosen:
            _wait(f"attempts of {name}", partial(self._ended, name), seconds)
            text = self.client.text(f"{self._path(name)}/log", container=f"try-{self._round}")
            results = [json.loads(line) for line in text.splitlines()]
            assert [row["target"] for row in results] == list(asked[name]), text[-2000:]
            for row in results:
                label, wanted = asked[name][row["target"]]
                found.append(Attempt(name, label, wanted, row["open"], row.get("error", "")))
        return found

    def _targets(self, source: str) -> dict[str, tuple[str, bool]]:
        """Return what a pod tries: target -> (label, whether it should be open)."""
        host = self.hosts[source]
        reaches = self.flows.allowed
        targets = {
            f"tcp:{self.addresses[name]}:{port}": (
                f"{name}:{port}",
                # A pod reaches itself without passing any rule.
                name == source or reaches(source, name, port),
            )
            for name in self.flows.parties
            for port in self.flows.ports
        }
        targets[API] = ("API through its service", reaches(source, "hosts", _API_PORT))
        targets[f"tcp:{host}:10250"] = ("kubelet of its node", reaches(source, "hosts", 10250))
        targets[f"tcp:{host}:22"] = ("sshd of its node", reaches(source, "hosts", 22))
        targets[NAME] = ("name", True)
        return targets

    def _ask(self, name: str, targets: list[str]) -> None:
        """Try from inside the pod: an ephemeral container shares its address and labels."""
        live = self.client.get(self._path(name))
        containers = live["spec"].get("ephemeralContainers", [])
        asking = {
            "name": f"try-{self._round}",
            "image": IMAGE,
            "args": ["--timeout=3s", *targets],
            "securityContext": SECURE,
        }
        patch = {"spec": {"ephemeralContainers": [*containers, asking]}}
        self.client.merge(f"{self._path(name)}/ephemeralcontainers", patch)

    def _ended(self, name: str) -> bool:
        rows = self.client.get(self._path(name))["status"].get("ephemeralContainerStatuses", [])
        return any(
            row["name"] == f"try-{self._round}" and "terminated" in row["state"] for row in rows
        )

    def _ready(self, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.client.get(self._path(name))["status"]
        conditions = {row["type"]: row["status"] for row in status.get("conditions", [])}
        return status if conditions.get("Ready") == "True" else {}

    def _exists(self, name: str) -> bool:
        try:
            self.client.get(self._path(name))
        except MissingError:
            return False
        return True

    def _path(self, name: str) -> str:
        return f"/api/v1/namespaces/{self.flows.parties[name][0]}/pods/{PREFIX}{name}"

    def _pod(self, name: str, node: str) -> dict[str, Any]:
        namespace, service = self.flows.parties[name]
        ports = self.flows.ports
        container = {
            "name": "listen",
            "image": IMAGE,
            "args": [f"--listen={','.join(map(str, ports))}"],
            "securityContext": SECURE,
            "resources": {
                "requests": {"cpu": "1m", "memory": "8Mi"},
                "limits": {"memory": "64Mi"},
            },
            "readinessProbe": {"tcpSocket": {"port": ports[-1]}, "periodSeconds": 1},
        }
        labels = {SERVICE_LABEL: service} if service else {}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"{PREFIX}{name}", "namespace": namespace, "labels": labels},
            "spec": {
                "nodeName": node,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": 1,
                "securityContext": {"runAsUser": 65532},
                "containers": [container],
            },
        }


def wrong(attempts: Iterable[Attempt]) -> list[str]:
    """Return a line for each connection that is not as the flows say."""
    return [
        f"{item.source} -> {item.target}: {'open' if item.found else f'closed ({item.said})'}, "
        f"wanted {'open' if item.wanted else 'closed'}"
        for item in attempts
        if item.wanted != item.found
    ]


def _wait(what: str, ask: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.5)
    return answer

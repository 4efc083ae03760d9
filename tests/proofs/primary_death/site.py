"""A site of the proof's own: three database nodes, three instances, and a pod that writes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import read_access
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    ClusterError,
    MissingError,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.execute import (
    Container,
    execute,
)

from tests.support.inventories import lab_status, write_inventory
from tests.support.site import ROOT, Run, lab, run_playbook

INSTANCE = "data"
FOLDER = ROOT / ".lab/instances" / INSTANCE / "proof"
DECLARED = FOLDER / "declared.yml"
CLUSTER = "/apis/postgresql.cnpg.io/v1/namespaces/biomax-data/clusters/postgresql"
PODS = "/api/v1/namespaces/{}/pods"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/biomax-data/endpointslices"
WRITER = "writer"
IMAGE = "ghcr.io/cloudnative-pg/postgresql:15.20-system-bookworm"
EXTRA_HOSTS = {"db2": (42, "lab-c"), "db3": (43, "lab-a")}


class Site:
    """The formed site."""

    def __init__(self) -> None:
        """Boot, form and deploy; what is there already is only looked at."""
        lab("--instance", INSTANCE, "up", "--topology", "data", timeout=900)
        self.inventory = write_inventory(FOLDER, lab_status(INSTANCE), _hosts())
        self.declared = _read(DECLARED)
        self.declare(postgresql_instances=3)
        self.kubeconfig = FOLDER / "state/kubeconfig"

    def declare(self, **variables: Any) -> None:
        """Set the proof's own variables; those of an earlier run on the same hosts stay."""
        self.declared.update(variables)
        for path in (DECLARED, Path(self.inventory) / "group_vars/all/zzz_proof.yml"):
            path.write_text(yaml.safe_dump(self.declared))

    def converge(self, playbook: str = "site.yml") -> Run:
        """Run a playbook; AssertionError with the end of its output when it fails."""
        run = run_playbook(playbook, inventory=self.inventory, timeout=2400)
        assert run.returncode == 0, run.output[-8000:]
        return run

    @property
    def client(self) -> KubeClient:
        """A client that asks again while the endpoint moves."""
        return open_client(str(self.kubeconfig), retry_seconds=60.0)

    def status(self) -> dict[str, Any]:
        """Return what the operator says of the database."""
        return dict(self.client.get(CLUSTER).get("status", {}))

    def node_of(self, pod: str) -> str:
        """Return the node of an instance."""
        return str(self.client.get(f"{PODS.format('biomax-data')}/{pod}")["spec"]["nodeName"])

    def wait_healthy(self, seconds: float = 600.0) -> float:
        """Wait for three ready instances; return how long it took."""
        started = time.monotonic()
        while True:
            try:
                status = self.status()
                if status.get("readyInstances") == 3 and (
                    status.get("currentPrimary") == status.get("targetPrimary")
                ):
                    return time.monotonic() - started
            except ClusterError:
                status = {}
            waited = time.monotonic() - started
            assert waited < seconds, f"not three instances within {seconds:.0f} s: {status}"
            time.sleep(1.0)

    def query(self, sql: str) -> str:
        """Run SQL at the primary as its superuser."""
        container = Container("biomax-data", self.status()["currentPrimary"], "postgres")
        command = ["psql", "-U", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", "biomax_ai"]
        done = execute(read_access(self.kubeconfig), container, command, sql.encode(), 120)
        assert done.code == 0, done.stderr
        return done.stdout.strip()

    def start_writer(self) -> None:
        """Start the pod that writes, from an empty table."""
        self.stop_writer()
        self.query("DELETE FROM users")
        path = f"{PODS.format('biomax-core')}/{WRITER}"
        self.client.apply(path, _writer())
        self.wait_for_acks(1)

    def stop_writer(self) -> None:
        """Remove the pod."""
        path = f"{PODS.format('biomax-core')}/{WRITER}"
        client = self.client
        try:
            client.delete(path, client.get(path)["metadata"]["uid"])
            while True:
                client.get(path)
                time.sleep(0.5)
        except MissingError:
            return

    def written(self) -> list[list[str]]:
        """Return the writer's lines, split into words."""
        text = self.client.text(f"{PODS.format('biomax-core')}/{WRITER}/log")
        return [line.split(maxsplit=3) for line in text.splitlines()]

    def wait_for_acks(self, more: int, seconds: float = 240.0) -> None:
        """Wait until the writer has that many more rows."""
        deadline = time.monotonic() + seconds
        wanted: int | None = None
        while True:
            try:
                acks = sum(line[0] == "ack" for line in self.written())
                wanted = acks + more if wanted is None else wanted
                if acks >= wanted:
                    return
            except ClusterError:
                pass  # its container is being made
            assert time.monotonic() < deadline, f"the writer got no row within {seconds:.0f} s"
            time.sleep(0.5)


def _read(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text())) if path.is_file() else {}


def _hosts() -> dict[str, Any]:
    """Return the lab's hosts and two more database nodes."""
    hosts: dict[str, Any] = yaml.safe_load((ROOT / "inventories/lab/hosts.yml").read_text())
    database = hosts["all"]["children"]["kube_node"]["children"]["pool_database"]["hosts"]
    for name, (number, domain) in EXTRA_HOSTS.items():
        database[name] = {
            **database["db1"],
            "node_address": f"10.77.0.{number}",
            "failure_domain": domain,
        }
    return hosts


def _writer() -> dict[str, Any]:
    script = (Path(__file__).parent / "writer.py").read_text()
    secret = {"secretKeyRef": {"name": "postgresql-application", "key": "password"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": WRITER, "namespace": "biomax-core"},
        "spec": {
            "nodeSelector": {"workload": "application"},
            "automountServiceAccountToken": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": WRITER,
                    "image": IMAGE,
                    "command": ["python3", "-c", script],
                    "env": [
                        {"name": "PASSWORD", "valueFrom": secret},
                        {"name": "FIRST", "value": "1"},
                    ],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "resources": {
                        "requests": {"cpu": "20m", "memory": "32Mi"},
                        "limits": {"memory": "64Mi"},
                    },
                }
            ],
        },
    }


def show(row: dict[str, Any]) -> None:
    """Print a row as one line."""
    print(json.dumps(row), flush=True)

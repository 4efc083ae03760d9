"""The database of a formed site, by programs in the pod of its primary."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import read_access
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.execute import (
    Container,
    Output,
    execute,
)

from tests.support.site import ROOT

KUBECONFIG = ROOT / ".lab/kubeconfig"
CLUSTERS = "/apis/postgresql.cnpg.io/v1/namespaces/biomax-data/clusters"


class Database:
    """The primary of a cluster."""

    def __init__(self, name: str = "postgresql") -> None:
        self.client: KubeClient = open_client(str(KUBECONFIG))
        self.path = f"{CLUSTERS}/{name}"
        self.cluster = self.client.get(self.path)
        self.primary = str(self.cluster["status"]["currentPrimary"])
        self._container = Container("biomax-data", self.primary, "postgres")
        found = self.client.get(f"/api/v1/namespaces/biomax-data/pods/{self.primary}")
        self.address = str(found["status"]["podIP"])

    def execute(self, *command: str, stdin: str = "") -> Output:
        """Run a program beside the database."""
        access = read_access(Path(KUBECONFIG))
        return execute(access, self._container, command, stdin.encode())

    def query(self, sql: str) -> str:
        """Return what a script printed, run as the superuser on the local socket."""
        done = self.execute(
            *("psql", "-U", "postgres", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
            *("-d", "biomax_ai"),
            stdin=sql,
        )
        assert done.code == 0, done.stderr
        return done.stdout.strip()

    def metrics(self) -> dict[str, float]:
        """Return what the instance measures, by series."""
        ask = "import urllib.request as r; print(r.urlopen('{}').read().decode())"
        done = self.execute("python3", "-c", ask.format("http://127.0.0.1:9187/metrics"))
        assert done.code == 0, done.stderr
        rows = (line.rpartition(" ") for line in done.stdout.splitlines() if line[:1] not in "#")
        return {series: float(value) for series, _, value in rows if series}

    def status(self) -> dict[str, object]:
        """Return what the operator says of the cluster now."""
        return dict(self.client.get(self.path).get("status", {}))

    def condition(self, name: str) -> str:
        """Return the status of one of the cluster's conditions, "" when it has none."""
        found = self.client.get(self.path).get("status", {}).get("conditions", [])
        return next((str(item["status"]) for item in found if item["type"] == name), "")


def wait_until(what: str, happened: Callable[[], bool], seconds: float) -> float:
    """Wait until something is so; return how long it took, in seconds."""
    started = time.monotonic()
    while not happened():
        waited = time.monotonic() - started
        assert waited < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(1.0)
    return time.monotonic() - started

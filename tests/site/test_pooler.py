"""The way of applications to the database: through the pooler, over TLS, with few connections."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import read_access
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.execute import (
    Container,
    Output,
    execute,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.readiness import condition

from tests.support.admission import pod, pod_spec
from tests.support.database import KUBECONFIG, Database, wait_until

CLIENT = "/api/v1/namespaces/biomax-core/pods/pooler-client"
IMAGE = "ghcr.io/cloudnative-pg/postgresql:15.20-system-bookworm"
POOLER = "postgresql-pooler.biomax-data.svc.cluster.local"
CONNECTIONS = 20  # of the pooler to the database in the lab
CLIENTS = 30
# Each client asks once and stays until all have their answer, as an application's pool does: a
# server connection for each session would leave the last ones waiting for the first to go.
CROWD = """
answers=$(mktemp)
stay() {{
  for second in $(seq 30); do
    [ "$(wc -l < $answers)" -lt {clients} ] || return
    sleep 1
  done
  echo 'the others had no answer' >> $answers
}}
for i in $(seq {clients}); do
  (echo 'SELECT 1;'; stay) | psql -XqAt "$1" >> $answers &
done
wait
cat $answers
"""


class Application:
    """A pod of the application, with the application's login."""

    def __init__(self) -> None:
        self.client = open_client(str(KUBECONFIG))
        path = "/api/v1/namespaces/biomax-core/secrets/postgresql-application"
        secret = self.client.get(path)["data"]
        self.password = base64.b64decode(secret["password"]).decode()
        self._access = read_access(Path(KUBECONFIG))

    def start(self) -> None:
        """Start the pod and wait until it runs."""
        self.remove()
        memory = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}
        spec = pod_spec(image=IMAGE, command=["sleep", "3600"], resources=memory)
        spec["securityContext"] = {"runAsUser": 26}
        spec["terminationGracePeriodSeconds"] = 0
        item = pod(spec)
        item["metadata"] = {"name": "pooler-client", "namespace": "biomax-core"}
        self.client.apply(CLIENT, item)
        wait_until(
            "the client runs",
            lambda: condition(self.client.get(CLIENT), "Ready").get("status") == "True",
            120,
        )

    def remove(self) -> None:
        """End the pod."""
        try:
            found = self.client.get(CLIENT)
        except MissingError:
            return
        self.client.delete(CLIENT, found["metadata"]["uid"])
        wait_until("the client is gone", self._gone, 60)

    def _gone(self) -> bool:
        try:
            self.client.get(CLIENT)
        except MissingError:
            return True
        return False

    def address(self, **changes: str) -> str:
        """Return a connection string."""
        parts = {
            "host": POOLER,
            "user": "biomax_app",
            "dbname": "biomax_ai",
            "password": self.password,
            "sslmode": "require",
            "connect_timeout": "10",
            **changes,
        }
        return " ".join(f"{name}={value}" for name, value in parts.items())

    def run(self, *command: str) -> Output:
        """Run a program in the pod."""
        return execute(
            self._access, Container("biomax-core", "pooler-client", "main"), command, b""
        )

    def ask(self, sql: str, **changes: str) -> Output:
        """Ask the database."""
        return self.run("psql", "-XqAt", self.address(**changes), "-c", sql)


@pytest.fixture(scope="module")
def application(formed: str) -> Iterator[Application]:
    """The application's pod."""
    made = Application()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.mark.lab
def test_the_application_writes_through_it(application: Application) -> None:
    done = application.ask("INSERT INTO users DEFAULT VALUES RETURNING current_user")
    assert (done.code, done.stdout.strip()) == (0, "biomax_app"), done.stderr


@pytest.mark.lab
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sslmode": "disable"}, "SSL required"),
        ({"password": "wrong"}, "authentication failed"),
        ({"user": "nobody"}, "no such user"),
    ],
)
def test_it_is_closed_to_who_should_not_come_in(
    application: Application, changes: dict[str, str], message: str
) -> None:
    done = application.ask("SELECT 1", **changes)
    assert done.code != 0
    assert message in done.stderr


@pytest.mark.lab
def test_many_clients_share_few_connections(application: Application) -> None:
    crowd = CROWD.format(clients=CLIENTS)
    done = application.run("sh", "-c", crowd, "crowd", application.address())
    assert done.stdout.splitlines() == ["1"] * CLIENTS, done.stderr
    counted = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'biomax_app'"
    assert 1 <= int(Database().query(counted)) <= CONNECTIONS

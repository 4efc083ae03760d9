"""The database that `site.yml` made: healthy, with its schema, and closed where it should be."""

from __future__ import annotations

import base64
import json
import re
import uuid
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.migrations import (
    LOOK,
    read_migrations,
)

from tests.support.database import KUBECONFIG, Database
from tests.support.promtool import rules_of
from tests.support.site import ROOT, run_playbook


@pytest.fixture
def database(site: str) -> Database:
    """The primary of the site."""
    return Database()


@pytest.mark.lab
def test_it_is_healthy_and_keeps_what_it_promises(database: Database) -> None:
    status = database.cluster["status"]
    assert status["readyInstances"] == database.cluster["spec"]["instances"]
    assert database.query("SHOW data_checksums") == "on"
    assert database.query("SHOW password_encryption") == "scram-sha-256"
    extensions = database.query("SELECT extname FROM pg_extension ORDER BY 1").split()
    assert {"pg_trgm", "pgaudit", "pgcrypto", "uuid-ossp"} <= set(extensions)


@pytest.mark.lab
def test_it_has_the_schema_of_this_checkout(database: Database) -> None:
    declared = read_migrations(ROOT / "roles/postgresql/migrations")
    applied = json.loads(database.query(LOOK))
    assert [row["sha256"] for row in applied] == [item.sha256 for item in declared]
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert database.query(owners) == "biomax_owner"


@pytest.mark.lab
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("sslmode=disable", "no encryption"),
        ("sslmode=require ssl_max_protocol_version=TLSv1.2", "protocol version"),
        ("sslmode=require password=wrong", "password authentication failed"),
    ],
)
def test_it_is_closed_to_who_should_not_come_in(
    database: Database, options: str, message: str
) -> None:
    address = f"host={database.address} user=biomax_owner dbname=biomax_ai connect_timeout=5"
    done = database.execute("psql", "-X", "-c", "SELECT 1", f"{address} {options}")
    assert done.code != 0
    assert message in done.stderr


@pytest.mark.lab
def test_a_broken_migration_is_told_and_leaves_nothing(database: Database, tmp_path: Path) -> None:
    for path in (ROOT / "roles/postgresql/migrations").iterdir():
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "0999_broken.sql").write_text("CREATE TABLE half ();\nSELECT no_such_function();\n")
    playbook = tmp_path / "migrate.yml"
    playbook.write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "tasks": [
                        {
                            "biomax.platform.postgresql_schema": {
                                "kubeconfig": str(KUBECONFIG),
                                "namespace": "biomax-data",
                                "cluster": "postgresql",
                                "database": "biomax_ai",
                                "owner": "biomax_owner",
                                "migrations": str(tmp_path),
                            }
                        }
                    ],
                }
            ]
        )
    )
    playbook = playbook.rename(tmp_path.parent / "migrate.yml")
    run = run_playbook(str(playbook))
    assert run.returncode == 2, run.output
    assert "function no_such_function() does not exist" in run.output
    assert database.query("SELECT to_regclass('half') IS NULL") == "t"


@pytest.mark.lab
def test_alerts_watch_what_is_really_measured(database: Database) -> None:
    measured = {series.partition("{")[0] for series in database.metrics()}
    watched = set(re.findall(r"\bcnpg_\w+", rules_of("postgresql")))
    assert watched
    assert watched <= measured, sorted(watched - measured)


@pytest.mark.lab
@pytest.mark.parametrize(
    ("role", "granted", "refused"),
    [
        ("biomax_app", "SELECT count(*) >= 0 FROM user_credentials", "DROP TABLE users"),
        ("biomax_readonly", "SELECT count(*) >= 0 FROM users", "DELETE FROM users"),
        ("biomax_backup", "SELECT count(*) >= 0 FROM user_credentials", "DELETE FROM users"),
        ("biomax_migration", "SELECT pg_has_role('biomax_owner', 'USAGE')", "CREATE ROLE nobody"),
    ],
)
def test_a_role_logs_in_with_its_secret_and_may_do_its_work_only(
    database: Database, role: str, granted: str, refused: str
) -> None:
    (secret,) = [
        item
        for item in database.client.get("/api/v1/namespaces/biomax-data/secrets")["items"]
        if base64.b64decode(item.get("data", {}).get("username", "")) == role.encode()
    ]
    password = base64.b64decode(secret["data"]["password"]).decode()
    address = f"host={database.address} user={role} dbname=biomax_ai password={password}"
    ask = ("psql", "-XqAt", f"{address} sslmode=require", "-c")
    assert database.execute(*ask, granted).stdout.strip() == "t"
    done = database.execute(*ask, refused)
    assert done.code != 0
    assert "permission denied" in done.stderr or "must be owner" in done.stderr


@pytest.mark.lab
def test_who_reads_personal_data_is_on_record(database: Database) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    database.query(f"SET ROLE biomax_readonly; SELECT id FROM users WHERE email = '{mark}';")  # noqa: S608 - made here
    path = f"/api/v1/namespaces/biomax-data/pods/{database.primary}/log"
    log = database.client.text(path, container="postgres", sinceSeconds="60")
    (line,) = [line for line in log.splitlines() if mark in line and "audit" in line]
    assert "OBJECT" in line
    assert "public.users" in line

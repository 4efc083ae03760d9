"""The database that `site.yml` made: healthy, with its schema, and closed where it should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.migrations import (
    LOOK,
    read_migrations,
)

from tests.support.database import KUBECONFIG, Database
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

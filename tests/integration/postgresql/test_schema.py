"""Migrations against a real PostgreSQL on a socket of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.migrations import (
    Migration,
    apply_sql,
    read_migrations,
)
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.schema import (
    MigrationError,
    reconcile_schema,
)

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = Path("/usr/lib/postgresql/15/bin")
OWNER = "biomax_owner"
ROLES = ("biomax_app", "biomax_migration", "biomax_readonly", "biomax_backup", "biomax_auditor")
EXTENSIONS = ("pgcrypto", "pg_trgm", "uuid-ossp")


@dataclass(frozen=True)
class Local:
    """A database of a server on this machine."""

    socket: Path
    name: str

    def run(self, sql: str) -> str:
        """Run a script as the module's own psql does."""
        options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.socket)]
        done = subprocess.run(
            [str(PROGRAMS / "psql"), *options, "-U", "postgres", "-d", self.name],
            input=sql,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise PlatformError(f"refused: {' '.join(done.stderr.split())}.")
        return done.stdout


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """A server without a port; the value is the directory of its socket."""
    with tempfile.TemporaryDirectory(prefix="biomax-pg-") as name:
        place = Path(name)
        _give(place)
        data = place / "data"
        _run("initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync", "-k")
        settings = f"-c listen_addresses= -c unix_socket_directories={place} -c fsync=off"
        _run("pg_ctl", "-D", str(data), "-w", "-o", settings, "-l", str(place / "log"), "start")
        try:
            yield place
        finally:
            _run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


def _give(place: Path) -> None:
    """PostgreSQL refuses to run as root."""
    if os.getuid() == 0:
        subprocess.run(["chown", "postgres", str(place)], check=True)


def _run(program: str, *arguments: str) -> None:
    change = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    command = [str(PROGRAMS / program), *arguments]
    done = subprocess.run(
        [*change, *command] if os.getuid() == 0 else command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, f"{program} ended with {done.returncode}"


@pytest.fixture
def database(server: Path, request: pytest.FixtureRequest) -> Local:
    """A new database, owned and with extensions as the operator makes it."""
    name = f"t{abs(hash(request.node.name))}"
    first = Local(server, "postgres")
    first.run(
        "".join(
            f"DO $$BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END$$;\n"
            for role in (OWNER, *ROLES)
        )
        + f"GRANT {OWNER} TO biomax_migration; GRANT pg_read_all_data TO biomax_backup;\n"
        + f"CREATE DATABASE {name} OWNER {OWNER};\n"
    )
    made = Local(server, name)
    made.run("".join(f'CREATE EXTENSION "{item}";\n' for item in EXTENSIONS))
    return made


def apply(database: Local, *migrations: Migration, check: bool = False) -> list[str]:
    result = reconcile_schema(database, migrations, OWNER, check=check)
    assert result["changed"] is bool(result["plan"])
    return [row["name"] for row in result["plan"]]


USERS = Migration(1, "users", "CREATE TABLE users (id int);\n-- the end")
BROKEN = Migration(2, "broken", "CREATE TABLE half (id int);\nSELECT no_such_function();\n")
ORDERS = Migration(2, "orders", "ALTER TABLE users ADD name text;")


def test_the_platforms_own_schema_from_nothing_to_no_change(database: Local) -> None:
    declared = read_migrations(ROOT / "roles/postgresql/migrations")
    names = [str(item) for item in declared]
    assert apply(database, *declared, check=True) == names
    assert database.run("SELECT to_regclass('platform.migrations') IS NULL").strip() == "t"
    assert apply(database, *declared) == names
    assert apply(database, *declared) == []
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert database.run(owners).split() == [OWNER]
    # The database itself makes keys and removes what belongs to a person.
    counted = database.run(
        "INSERT INTO users (email) VALUES ('a@example.com');\n"
        "INSERT INTO user_credentials (user_id, provider, access_token_encrypted)"
        " SELECT id, 'oura', '\\x00' FROM users;\n"
        "DELETE FROM users;\nSELECT count(*) FROM user_credentials;\n"
    )
    assert counted.strip() == "0"


ADD = "INSERT INTO users (email) VALUES ('b@example.com')"
TOKENS = "SELECT access_token_encrypted FROM user_credentials"
GRANTED: dict[str, tuple[str, ...]] = {
    "biomax_app": (ADD, "DELETE FROM checkpoints", TOKENS),
    "biomax_migration": (ADD, "ALTER TABLE users ADD note text", "DROP TABLE users CASCADE"),
    "biomax_readonly": ("SELECT * FROM users", "SELECT provider FROM user_credentials"),
    "biomax_backup": ("SELECT * FROM users", TOKENS, "SELECT * FROM platform.migrations"),
    "biomax_auditor": (),
}
REFUSED: dict[str, tuple[str, ...]] = {
    "biomax_app": ("ALTER TABLE users ADD note text", "CREATE TABLE t ()", "TRUNCATE users"),
    "biomax_migration": ("CREATE ROLE somebody", "COPY users TO '/tmp/users'"),
    "biomax_readonly": (ADD, TOKENS, "SELECT * FROM user_credentials", "CREATE TEMP TABLE t ()"),
    "biomax_backup": (ADD, "DELETE FROM users", "CREATE TABLE t ()"),
}


def test_each_role_may_do_its_work_and_nothing_more(database: Local) -> None:
    apply(database, *read_migrations(ROOT / "roles/postgresql/migrations"))

    def tried(role: str, statement: str) -> str:
        return database.run(f"BEGIN; SET LOCAL ROLE {role}; {statement}; ROLLBACK;\n")

    for role, statements in GRANTED.items():
        for statement in statements:
            tried(role, statement)
    for role, statements in REFUSED.items():
        for statement in statements:
            with pytest.raises(PlatformError, match=r"permission denied|must be"):
                tried(role, statement)


def test_only_named_roles_may_connect(database: Local) -> None:
    apply(database, *read_migrations(ROOT / "roles/postgresql/migrations"))
    database.run("CREATE ROLE stranger;\n")
    asked = "SELECT has_database_privilege('{}', current_database(), 'CONNECT')"
    database.run("CREATE ROLE measurer; GRANT pg_monitor TO measurer;\n")
    every = (*ROLES, "measurer", "stranger")
    may = {role: database.run(asked.format(role)).strip() for role in every}
    assert may.pop("stranger") == may.pop("biomax_auditor") == "f"
    assert set(may.values()) == {"t"}


def test_a_migration_that_fails_half_way_leaves_nothing(database: Local) -> None:
    with pytest.raises(
        MigrationError, match=r"0002_broken.*no_such_function.*0001_users stay"
    ) as e:
        apply(database, USERS, BROKEN)
    assert e.value.applied == ["0001_users"]
    assert database.run("SELECT to_regclass('half') IS NULL").strip() == "t"
    assert apply(database, USERS, ORDERS) == ["0002_orders"]


def test_a_changed_file_is_refused_by_what_the_database_remembers(database: Local) -> None:
    apply(database, USERS)
    with pytest.raises(InputError, match="0001_users was changed after it was applied"):
        apply(database, Migration(1, "users", "CREATE TABLE users (id bigint);"))


def test_two_runs_at_once_apply_a_migration_once(database: Local) -> None:
    script = apply_sql(Migration(1, "slow", "SELECT pg_sleep(1); CREATE TABLE t ();"), OWNER)
    command = [str(PROGRAMS / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    address = ["-h", str(database.socket), "-U", "postgres", "-d", database.name]
    runs = [
        subprocess.Popen(
            [*command, *address], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for run in runs:
        assert run.stdin is not None
        run.stdin.write(script)
        run.stdin.close()
    codes = sorted(run.wait(30) for run in runs)
    for run in runs:
        assert run.stderr is not None
        run.stderr.close()
    assert codes == [0, 3]
    assert database.run("SELECT count(*) FROM platform.migrations").strip() == "1"


def test_a_migration_cannot_touch_the_records_of_others(database: Local) -> None:
    """It runs as the owner of the database, who has no right to them."""
    cheat = Migration(1, "cheat", "DELETE FROM platform.migrations;")
    with pytest.raises(MigrationError, match="permission denied"):
        apply(database, cheat)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versioned changes of a database's schema: which are pending, and the SQL that applies one.

A migration is a file ``NNNN_name.sql``. It is applied once, in one transaction together with its
row in ``platform.migrations``, so a cut leaves all of it or nothing. A file that was applied never
changes; what comes later has a higher number.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

_NAME = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql")
_LOCK = 0x62696F6D  # any number, the same for every run: pg_advisory_xact_lock(bigint)
# In psql these end the transaction that the migration runs in, or leave SQL.
_FORBIDDEN = re.compile(
    r"^\s*(BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|ABORT)\b[^;]*;|^\s*\\", re.I | re.M
)

# For psql: prints what was applied as a JSON list, and nothing in a database that is new.
LOOK = r"""SELECT to_regclass('platform.migrations') IS NOT NULL AS there \gset
\if :there
SELECT coalesce(json_agg(json_build_object('version', version, 'name', name, 'sha256', sha256)
    ORDER BY version), '[]') FROM platform.migrations;
\endif
"""


@dataclass(frozen=True)
class Migration:
    """One file.

    Attributes:
        version: Its number.
        name: The rest of its file name.
        sql: Its text.
    """

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Return the sum of its text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.version:04d}_{self.name}"


@dataclass(frozen=True)
class Applied:
    """A row of ``platform.migrations``."""

    version: int
    name: str
    sha256: str


def read_migrations(directory: Path) -> list[Migration]:
    """Read the migrations of a directory, in order.

    Raises:
        InputError: A file name is no migration's, a number stands twice, a file controls
            transactions itself, or there is no file.
    """
    found: dict[int, Migration] = {}
    for path in sorted(directory.glob("*")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise InputError(
                f"{path}: a migration is called NNNN_name.sql, such as 0001_users.sql."
            )
        migration = Migration(int(match[1]), match[2], path.read_text(encoding="utf-8"))
        if other := found.get(migration.version):
            raise InputError(f"{path}: {other} has the same number.")
        if control := _FORBIDDEN.search(_without_bodies(migration.sql)):
            raise InputError(
                f"{path}: {control[0].strip()!r} would end the transaction in which the migration "
                "runs. Leave it out."
            )
        found[migration.version] = migration
    if not found:
        raise InputError(f"{directory} has no migration.")
    return [found[version] for version in sorted(found)]


def pending(declared: Sequence[Migration], applied: Sequence[Applied]) -> list[Migration]:
    """List the migrations that are not applied yet.

    Args:
        declared: See read_migrations.
        applied: What the database says.

    Raises:
        InputError: A file was changed after it was applied, one that was applied is gone, or one
            has a lower number than what was applied.
    """
    known = {migration.version: migration for migration in declared}
    done = {row.version: row for row in applied}
    for version, row in sorted(done.items()):
        migration = known.get(version)
        if migration is None:
            raise InputError(
                f"Migration {version:04d}_{row.name} was applied and there is no file of it. Is "
                "this checkout older than the database?"
            )
        if migration.sha256 != row.sha256:
            raise InputError(
                f"Migration {migration} was changed after it was applied. Put the file back, and "
                "write what is to change into a new migration."
            )
    last = max(done, default=0)
    missing = [migration for migration in declared if migration.version not in done]
    for migration in missing:
        if migration.version < last:
            raise InputError(
                f"Migration {migration} is new and {last:04d} was applied already. Give it a "
                "higher number."
            )
    return missing


def parse_applied(text: str) -> list[Applied]:
    """Read what LOOK printed.

    Raises:
        InputError: It is something else.
    """
    try:
        rows = json.loads(text or "[]")
        return [Applied(int(row["version"]), row["name"], row["sha256"]) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"Reading the applied migrations: found {text[:200]!r}.") from error


def apply_sql(migration: Migration, owner: str) -> str:
    """Return SQL that applies one migration, or nothing when it was applied meanwhile or fails.

    Args:
        migration: The migration.
        owner: Role that owns what the migration makes.
    """
    return f"""BEGIN;
SET LOCAL lock_timeout = '10s';
SELECT pg_advisory_xact_lock({_LOCK});
CREATE SCHEMA IF NOT EXISTS platform;
CREATE TABLE IF NOT EXISTS platform.migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO platform.migrations (version, name, sha256)
    VALUES ({migration.version}, '{migration.name}', '{migration.sha256}');
SET LOCAL ROLE "{owner}";
{migration.sql}
;
RESET ROLE;
COMMIT;
"""  # noqa: S608 - a number, a checked name, a sum, and SQL that is meant to run


def _without_bodies(sql: str) -> str:
    """Leave out bodies between dollar signs and comments, where the words mean something else."""
    sql = re.sub(r"\$(\w*)\$.*?\$\1\$", "", sql, flags=re.S)
    return re.sub(r"--[^\n]*", "", sql)

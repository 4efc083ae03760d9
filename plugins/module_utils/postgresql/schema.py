# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a database's schema to the newest migration: look, plan, apply one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Approval
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.migrations import (
    LOOK,
    Migration,
    apply_sql,
    parse_applied,
    pending,
)


class Database(Protocol):
    """A database that psql opens as its superuser."""

    def run(self, sql: str) -> str:
        """Give psql a script, which ends at its first error; return what it printed.

        Raises:
            PlatformError: The database refused; its words are in the message.
        """


class MigrationError(PlatformError):
    """A migration failed; those before it stay."""

    def __init__(self, message: str, applied: Sequence[str]) -> None:
        super().__init__(message)
        self.applied = [*applied]


def reconcile_schema(
    database: Database | None,
    declared: Sequence[Migration],
    owner: str,
    *,
    check: bool,
    approval: Approval | None = None,
) -> dict[str, Any]:
    """Apply the migrations that are pending.

    Args:
        database: The database; None when there is none yet, which only check mode allows.
        declared: All migrations, in order.
        owner: Role that owns what they make.
        check: Only plan.
        approval: What may be done; None when nothing binds this call.

    Returns:
        ``changed``, ``plan``, ``diff``.

    Raises:
        InputError: The files do not fit what was applied.
        UnsafeError: The plan is not the approved one; nothing was changed.
        MigrationError: A migration failed; nothing of it was kept.
    """
    missing = [*declared]
    if database is not None:
        missing = pending(declared, parse_applied(database.run(LOOK).strip()))
    rows = [_row(migration, derived=database is None) for migration in missing]
    if approval:
        approval.verify(rows, check=check)
    if database is not None and not check:
        _apply(database, missing, owner)
    return {
        "changed": bool(missing),
        "plan": rows,
        "diff": [
            {
                "before_header": f"migration {migration}",
                "after_header": f"migration {migration}",
                "before": "",
                "after": migration.sql,
            }
            for migration in missing
        ],
    }


def _apply(database: Database, missing: Sequence[Migration], owner: str) -> None:
    done: list[str] = []
    for migration in missing:
        try:
            database.run(apply_sql(migration, owner))
        except PlatformError as error:
            stay = f"; {', '.join(done)} stay applied" if done else ""
            raise MigrationError(
                f"Migration {migration}: {error} Nothing of it was kept{stay}. Cure the cause and "
                "run again.",
                done,
            ) from error
        done.append(str(migration))


def _row(migration: Migration, *, derived: bool) -> dict[str, Any]:
    lines = len(migration.sql.splitlines())
    return {
        "role": "postgresql",
        "kind": "migration",
        "name": str(migration),
        "action": "apply",
        "detail": "known after postgresql is ready" if derived else f"{lines} lines of SQL",
        "changes": True,
        "derived": derived,
        "declared": migration.sha256,
        "observed": {"applied": False},
    }

"""Migrations: what is pending, and what is refused before anything is asked of a database."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.migrations import (
    Applied,
    Migration,
    apply_sql,
    parse_applied,
    pending,
    read_migrations,
)
from hypothesis import given
from hypothesis import strategies as st

USERS = Migration(1, "users", "CREATE TABLE users ();\n")
ORDERS = Migration(2, "orders", "CREATE TABLE orders ();\n")


def applied(*migrations: Migration) -> list[Applied]:
    return [Applied(item.version, item.name, item.sha256) for item in migrations]


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name.removeprefix('m')}.sql").write_text(text)
    return directory


def test_files_are_read_in_order(tmp_path: Path) -> None:
    write(tmp_path, m0002_orders=ORDERS.sql, m0001_users=USERS.sql)
    assert read_migrations(tmp_path) == [USERS, ORDERS]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("0002-orders.sql", "", "is called NNNN_name.sql"),
        ("0001_other.sql", "", "0001_other has the same number|0001_users has the same number"),
        ("0002_x.sql", "CREATE TABLE a ();\nCOMMIT;\n", "'COMMIT;' would end the transaction"),
        ("0002_x.sql", "begin transaction;", "would end the transaction"),
        ("0002_x.sql", "\\i other.sql\n", "would end the transaction"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    write(tmp_path, m0001_users=USERS.sql)
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_migrations(tmp_path)


def test_words_in_bodies_and_comments_are_no_control(tmp_path: Path) -> None:
    body = (
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $x$\nBEGIN\nEND;\n$x$;\n-- COMMIT;\n"
    )
    write(tmp_path, m0001_f=body)
    assert [item.name for item in read_migrations(tmp_path)] == ["f"]


def test_nothing_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no migration"):
        read_migrations(tmp_path)


@given(st.integers(0, 6))
def test_what_is_left_follows_what_was_applied(count: int) -> None:
    declared = [Migration(number, "step", f"SELECT {number};") for number in range(1, 7)]
    left = pending(declared, applied(*declared[:count]))
    assert left == declared[count:]
    assert pending(declared, applied(*declared)) == []


@pytest.mark.parametrize(
    ("declared", "done", "message"),
    [
        ([Migration(1, "users", "other")], [USERS], "0001_users was changed after it was applied"),
        ([USERS], [USERS, ORDERS], "0002_orders was applied and there is no file"),
        ([USERS, ORDERS], [ORDERS], "0001_users is new and 0002 was applied already"),
    ],
)
def test_a_history_that_does_not_fit_is_refused(
    declared: list[Migration], done: list[Migration], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pending(declared, applied(*done))


def test_an_answer_that_is_none_is_told() -> None:
    text = f'[{{"version": 1, "name": "users", "sha256": "{USERS.sha256}"}}]\n'
    assert parse_applied(text) == applied(USERS)
    with pytest.raises(InputError, match="found 'psql: error"):
        parse_applied("psql: error")


def test_the_row_and_the_change_are_one_transaction() -> None:
    sql = apply_sql(USERS, "owner")
    assert sql.index("BEGIN;") < sql.index("INSERT INTO platform.migrations")
    assert sql.index("INSERT") < sql.index('SET LOCAL ROLE "owner"') < sql.index(USERS.sql)
    assert sql.rstrip().endswith("COMMIT;")

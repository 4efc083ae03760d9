"""Restore to a second: what is refused, and what is declared."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    NotReadyError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.restore import (
    check_unused,
    check_window,
    close_archive,
    parse_target,
    recovery,
    restored_cluster,
)

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.timezone.utc)
TARGET = dt.datetime(2026, 11, 30, 11, 0, 7, tzinfo=dt.timezone.utc)
STORE = {"destinationPath": "s3://backups/pg", "serverName": "life-1"}
INITDB = {"database": "app", "owner": "me", "secret": {"name": "s"}}
LIVE: dict[str, Any] = {
    "apiVersion": "postgresql.cnpg.io/v1",
    "kind": "Cluster",
    "metadata": {"name": "pg", "namespace": "data"},
    "spec": {
        "instances": 3,
        "imageName": "postgresql:15",
        "bootstrap": {"initdb": INITDB},
        "postgresql": {"synchronous": {"number": 1}, "parameters": {"a": "b"}},
        "backup": {"retentionPolicy": "30d", "barmanObjectStore": STORE},
    },
}


@pytest.mark.parametrize(
    "text",
    ["2026-11-30 11:00:07+00:00", "2026-11-30T11:00:07Z", " 2026-11-30 14:00:07+03:00\n"],
)
def test_a_time_means_one_moment(text: str) -> None:
    assert parse_target(text, NOW) == TARGET


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", "is no time"),
        ("", "is no time"),
        ("2026-11-30 11:00:07", "no time zone"),
        ("2026-11-30 12:00:01+00:00", "in the future"),
    ],
)
def test_another_time_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_target(text, NOW)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("", "no base backup yet"),
        ("2026-11-30T11:00:08Z", "before the first base backup of data/pg, which ended at"),
        ("2026-11-30T11:00:07Z", ""),
    ],
)
def test_there_has_to_be_a_base_backup_before(first: str, message: str) -> None:
    live = {**LIVE, "status": {"firstRecoverabilityPoint": first} if first else {}}
    if not message:
        check_window(TARGET, live)
        return
    with pytest.raises(InputError, match=message):
        check_window(TARGET, live)


def test_the_new_database_reads_the_archive_of_the_live_one_and_writes_none() -> None:
    before = copy.deepcopy(LIVE)
    made = restored_cluster(LIVE, "pg-restored", TARGET, 1)
    assert before == LIVE
    spec = made["spec"]
    assert made["metadata"]["name"] == "pg-restored"
    assert "backup" not in spec
    assert spec["bootstrap"]["recovery"]["recoveryTarget"] == {
        "targetTime": "2026-11-30 11:00:07.000000+00:00"
    }
    (origin,) = spec["externalClusters"]
    assert origin["name"] == spec["bootstrap"]["recovery"]["source"]
    assert origin["barmanObjectStore"] == STORE
    assert spec["imageName"] == "postgresql:15"
    assert spec["postgresql"] == {"parameters": {"a": "b"}}
    assert restored_cluster(LIVE, "x", TARGET, 3)["spec"]["postgresql"]["synchronous"]


def test_a_database_that_took_over_from_another_can_be_restored_too() -> None:
    begun = {"recovery": {**INITDB, "source": "origin"}}
    later = {"bootstrap": begun, "backup": {"barmanObjectStore": {**STORE, "serverName": "life-2"}}}
    made = restored_cluster({**LIVE, "spec": {**LIVE["spec"], **later}}, "x", TARGET, 3)["spec"]
    assert made["bootstrap"]["recovery"].items() >= INITDB.items()
    (origin,) = made["externalClusters"]
    assert origin["barmanObjectStore"]["serverName"] == "life-2"


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ({"life": 1}, {}),
        (
            {"life": 1, "to": "2026-11-30 03:00:07+03:00"},
            {"targetTime": "2026-11-30 00:00:07.000000+00:00"},
        ),
    ],
)
def test_a_new_life_begins_with_the_archive_of_an_earlier_one(
    wanted: dict[str, Any], target: dict[str, str]
) -> None:
    assert recovery(wanted, 2) == {"life": 1, "target": target}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"life": 2}, "life 2, which is no life before this one .2..* raise postgresql_life"),
        ({"life": 3}, "no life before"),
        ({"life": 0}, "no life before"),
        ({}, "give .life: 1."),
        ({"life": "1"}, "give .life: 1."),
        ({"life": 1, "until": "x"}, "give .life: 1."),
        ({"life": 1, "to": "2026-11-30 03:00:07"}, "no time zone"),
        ({"life": 1, "to": "2126-11-30 03:00:07Z"}, "in the future"),
    ],
)
def test_another_beginning_is_refused(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        recovery(wanted, 2)


def test_it_never_takes_the_name_of_the_live_one() -> None:
    with pytest.raises(InputError, match="never replaces pg"):
        restored_cluster(LIVE, "pg", TARGET, 1)


def test_without_a_backup_there_is_nothing_to_restore() -> None:
    spec = {key: value for key, value in LIVE["spec"].items() if key != "backup"}
    with pytest.raises(InputError, match="declares no backup"):
        restored_cluster({**LIVE, "spec": spec}, "other", TARGET, 1)


def test_a_name_in_use_is_refused_but_a_cut_run_goes_on() -> None:
    wanted = restored_cluster(LIVE, "pg-restored", TARGET, 1)
    later = restored_cluster(LIVE, "pg-restored", TARGET + dt.timedelta(seconds=1), 1)
    check_unused(None, wanted)
    check_unused(wanted, wanted)
    for other in (later, LIVE):
        with pytest.raises(UnsafeError, match="exists already"):
            check_unused(other, wanted)


class Archiving:
    """A database whose archive grows with each look."""

    def __init__(self, *archived: str) -> None:
        self._archived = list(archived)

    def run(self, sql: str) -> str:
        if "pg_switch_wal" in sql:
            return "000000020000000A000000F3\n"
        return self._archived.pop(0) if len(self._archived) > 1 else self._archived[0]


@pytest.mark.parametrize(
    "last",
    [
        "000000020000000A000000F3",
        "000000020000000A000000F3.00000028.backup",
        "000000020000000B00000000",
    ],
)
def test_closing_waits_for_the_archive(last: str) -> None:
    waits: list[float] = []
    database = Archiving("", "00000002.history", "000000020000000A000000F2", last)
    assert close_archive(database, 60, waits.append) == "000000020000000A000000F3"
    assert len(waits) == 3


def test_an_archive_that_stands_still_is_told() -> None:
    with pytest.raises(NotReadyError, match=r"0A000000F3 was not archived within 0 s .*0A000000F2"):
        close_archive(Archiving("000000020000000A000000F2"), 0, lambda _: None)

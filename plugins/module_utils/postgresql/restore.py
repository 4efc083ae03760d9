# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore a database of CloudNativePG to a second, beside the live one or in its place.

The archive ends with the last segment of the write-ahead log that was sent, and recovery needs a
commit after its target to know that it has arrived. So when the live database still runs, it
commits something and closes its segment first.
"""

from __future__ import annotations

import copy
import datetime as dt
import time
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    NotReadyError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.postgresql.schema import Database

_ORIGIN = "origin"
_NAME_LENGTH = 24  # of a segment: timeline, log and segment, 8 hexadecimal digits each
# A transaction of its own commits; the segment that holds the commit is named, then closed.
_CLOSE = """SELECT pg_current_xact_id() IS NOT NULL AS committed \\gset
SELECT pg_walfile_name(pg_current_wal_insert_lsn());
SELECT pg_switch_wal() IS NOT NULL AS closed \\gset
"""
_ARCHIVED = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver;"


def parse_target(text: str, now: dt.datetime) -> dt.datetime:
    """Read the second to restore to.

    Args:
        text: A time with its zone in ISO 8601, such as ``2026-11-30 03:00:00+03:00``.
        now: The present.

    Returns:
        The time, in UTC.

    Raises:
        InputError: It is no time, has no zone, or has not been yet.
    """
    wanted = "Give the time with its zone, such as '2026-11-30 03:00:00+03:00'."
    try:
        target = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise InputError(f"{text!r} is no time. {wanted}") from error
    if target.tzinfo is None:
        raise InputError(f"{text!r} has no time zone, so it could be several moments. {wanted}")
    target = target.astimezone(dt.timezone.utc)
    if target > now:
        raise InputError(f"{text!r} is in the future: it is {_shown(now)} now.")
    return target


def recovery(wanted: Mapping[str, Any], life: int) -> dict[str, Any]:
    """Read what a database that is made anew begins with.

    Args:
        wanted: ``life``, number of the earlier life whose archive it is, and ``to``, the second to
            recover to with its zone (without it: all that is in the archive).
        life: Number of the new life.

    Returns:
        ``life``, and ``target``, the recoveryTarget of a Cluster, empty for the whole archive.

    Raises:
        InputError: A key is unknown or missing, the life is not an earlier one, or `to` is no
            second of the past.
    """
    unknown = sorted(set(wanted) - {"life", "to"})
    earlier = wanted.get("life")
    if unknown or not isinstance(earlier, int):
        raise InputError(
            f"postgresql_recover_from is {dict(wanted)!r}; give {{life: 1}}, or {{life: 1, to: "
            "'2026-11-30 03:00:00+03:00'}."
        )
    if not 1 <= earlier < life:
        raise InputError(
            f"postgresql_recover_from names life {earlier}, which is no life before this one "
            f"({life}). A database that is made anew has an archive of its own: raise "
            "postgresql_life."
        )
    to = wanted.get("to")
    if to is None:
        return {"life": earlier, "target": {}}
    target = parse_target(str(to), dt.datetime.now(dt.timezone.utc))
    return {"life": earlier, "target": _recovery_target(target)}


def check_window(target: dt.datetime, live: Mapping[str, Any]) -> None:
    """Check that there is a base backup before the target.

    Args:
        target: The second to restore to.
        live: The live Cluster as the API server has it.

    Raises:
        InputError: There is no base backup, or the first one ended after the target.
    """
    name = f"{live['metadata']['namespace']}/{live['metadata']['name']}"
    first = live.get("status", {}).get("firstRecoverabilityPoint")
    if not first:
        raise InputError(
            f"{name} has no base backup yet, so nothing can be restored. See "
            f"`kubectl -n {live['metadata']['namespace']} get backups`."
        )
    if target < dt.datetime.fromisoformat(first.replace("Z", "+00:00")):
        raise InputError(
            f"{_shown(target)} is before the first base backup of {name}, which ended at {first}. "
            "Choose a later time."
        )


def restored_cluster(
    declaration: Mapping[str, Any], name: str, target: dt.datetime, instances: int
) -> dict[str, Any]:
    """Declare a database that begins as another one was.

    Args:
        declaration: Declaration of the live Cluster.
        name: Name of the new one.
        target: The second to restore to.
        instances: How many instances the new one has.

    Returns:
        The declaration. It has the live one's image, settings, roles and places; it has no backup
        of its own, so nothing can be mixed up with the live one's.

    Raises:
        InputError: The live one has no backup, or both have one name.
    """
    live = declaration["metadata"]["name"]
    if name == live:
        raise InputError(f"A restore never replaces {live}: choose another name for the new one.")
    made = copy.deepcopy(dict(declaration))
    spec = made["spec"]
    store = spec.pop("backup", {}).get("barmanObjectStore")
    if not store:
        raise InputError(f"{live} declares no backup, so there is nothing to restore from.")
    made["metadata"]["name"] = name
    spec["instances"] = instances
    if instances == 1:
        spec["postgresql"].pop("synchronous", None)
    first = spec["bootstrap"].get("initdb") or spec["bootstrap"]["recovery"]
    spec["bootstrap"] = {
        "recovery": {
            "source": _ORIGIN,
            "database": first["database"],
            "owner": first["owner"],
            "secret": first["secret"],
            "recoveryTarget": _recovery_target(target),
        }
    }
    spec["externalClusters"] = [{"name": _ORIGIN, "barmanObjectStore": store}]
    return made


def check_unused(existing: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> None:
    """Check that the name of the new database is free, or its own from an earlier, cut run.

    Args:
        existing: The Cluster of that name; None when there is none.
        wanted: What restored_cluster() returned.

    Raises:
        UnsafeError: It is another database.
    """
    if existing is None:
        return
    found, target = (_target(item) for item in (existing, wanted))
    if found != target:
        metadata = existing["metadata"]
        raise UnsafeError(
            f"Cluster {metadata['namespace']}/{metadata['name']} exists already "
            f"({found or 'not made by a restore'}, wanted {target}). Choose another name, or "
            f"delete it: kubectl -n {metadata['namespace']} delete cluster {metadata['name']}"
        )


def close_archive(
    database: Database, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Bring everything up to now into the archive.

    Args:
        database: The live database.
        seconds: How long its archive may take.
        sleep: Waits between two looks.

    Returns:
        Name of the segment that holds now.

    Raises:
        NotReadyError: It is not in the archive in time.
        PlatformError: The database refused.
    """
    segment = database.run(_CLOSE).strip()
    deadline = time.monotonic() + seconds
    while True:
        archived = database.run(_ARCHIVED).strip()
        if archived[:_NAME_LENGTH] >= segment:
            return segment
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"Segment {segment} was not archived within {seconds:g} s (the last one was "
                f"{archived or 'none'}). See condition ContinuousArchiving of the Cluster and the "
                "log of the backup gateway."
            )
        sleep(1.0)


def _recovery_target(target: dt.datetime) -> dict[str, str]:
    return {"targetTime": target.isoformat(sep=" ", timespec="microseconds")}


def _target(item: Mapping[str, Any]) -> str:
    recovery = item["spec"].get("bootstrap", {}).get("recovery", {})
    return str(recovery.get("recoveryTarget", {}).get("targetTime", ""))


def _shown(moment: dt.datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")

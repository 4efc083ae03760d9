"""All volumes of the database are lost; the platform makes it anew from its archive.

    .venv/bin/python -m tests.proofs.lost_database

Uses the site of the primary's deaths (a lab instance of its own, formed when it is not up). Rows
are written and archived, some more are written and not; then all database nodes lose their power,
and the Cluster is deleted with its claims. `postgresql_life` is raised, and one run of
deploy_platform.yml has to bring every archived row back.
Results go to `.lab/proofs/lost_database.json`.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError

from tests.proofs.primary_death.site import CLUSTER, INSTANCE, PODS, Site, show
from tests.proofs.results import BROKEN, Results
from tests.support.database import wait_until
from tests.support.site import lab

CLAIMS = "/api/v1/namespaces/biomax-data/persistentvolumeclaims"
DEPLOY = "playbooks/deploy_platform.yml"
ARCHIVED_ROWS, LATE_ROWS = 5000, 10
SUM = "SELECT count(*) || ' ' || md5(string_agg(u::text, ',' ORDER BY id)) FROM users u"
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
NODES = ("db1", "db2", "db3")
ARCHIVE_SECONDS, LOST_SECONDS, BACKUP_SECONDS = 120.0, 300.0, 600.0


def write(site: Site, rows: int) -> str:
    """Write rows and return a sum over all that is in the table."""
    series = f"generate_series(1, {rows}) i"
    site.query(f"INSERT INTO users (profile) SELECT jsonb_build_object('n', i) FROM {series}")  # noqa: S608 - made here
    return site.query(SUM)


def archive(site: Site) -> None:
    """Close the segment of the log and wait until it is in the archive."""
    segment = site.query(
        "SELECT pg_walfile_name(pg_current_wal_insert_lsn()); SELECT pg_switch_wal()"
    )
    name = segment.split()[0]
    archived = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"
    wait_until(f"{name} is archived", lambda: site.query(archived)[:24] >= name, ARCHIVE_SECONDS)


def has_base_backup(site: Site) -> bool:
    """Return whether a second can be restored in this life."""
    return bool(site.status().get("firstRecoverabilityPoint"))


def lose(site: Site) -> None:
    """Cut the power of every database node and delete the database with its claims."""
    for node in NODES:
        lab("--instance", INSTANCE, "power-off", node)
    client = site.client
    client.delete(CLUSTER, client.get(CLUSTER)["metadata"]["uid"])

    for node in NODES:
        lab("--instance", INSTANCE, "power-on", node)

    def gone() -> bool:
        listed = [*client.get(CLAIMS)["items"], *client.get(PODS.format("biomax-data"))["items"]]
        for item in listed:
            metadata = item["metadata"]
            labels = metadata.get("labels", {})
            if labels.get("cnpg.io/cluster") != "postgresql":
                continue
            if labels.get("cnpg.io/podRole") == "pooler":
                continue  # it waits for a database and keeps nothing of one
            if "storageClassName" in item["spec"]:
                try:
                    client.delete(f"{CLAIMS}/{metadata['name']}", metadata["uid"])
                except MissingError:
                    continue
            return False
        return True

    wait_until("the database is gone", gone, LOST_SECONDS)


def prove(site: Site, life: int) -> dict[str, Any]:
    """Lose life number `life` and begin the next one; return the row of the report."""
    wait_until("there is a base backup", lambda: has_base_backup(site), BACKUP_SECONDS)
    wanted = write(site, ARCHIVED_ROWS)
    tables = site.query(TABLES)
    archive(site)
    late = write(site, LATE_ROWS)
    lose(site)
    site.declare(postgresql_life=life + 1, postgresql_recover_from={"life": life})
    started = time.monotonic()
    site.converge(DEPLOY)
    deployed = time.monotonic() - started
    found = site.query(SUM)
    healthy = deployed + site.wait_healthy()
    broken = []
    if found not in (wanted, late):
        broken.append(f"rows and their sum were {wanted!r}, are {found!r}")
    if (now := site.query(TABLES)) != tables:
        broken.append(f"there were {tables} tables, are {now}")
    if (again := site.converge(DEPLOY)).counter("changed"):
        broken.append(f"the second run changed {again.changed_tasks()}")
    write(site, 1)
    archive(site)
    backed_up = wait_until(
        "the new life has a base backup", lambda: has_base_backup(site), BACKUP_SECONDS
    )
    return {
        "life": life,
        "archived rows": int(wanted.split()[0]),
        "rows after the last archived segment": LATE_ROWS,
        "of these lost": int(late.split()[0]) - int(found.split()[0]),
        "seconds of deploy_platform.yml": round(deployed, 1),
        "seconds until three instances": round(healthy, 1),
        "further seconds until its own base backup": round(backed_up, 1),
        BROKEN: broken,
    }


def main(
    keep: Annotated[bool, typer.Option(help="Leave the hosts up in the end.")] = False,
) -> None:
    """Form, lose, begin anew, judge."""
    results = Results("lost_database", "python -m tests.proofs.lost_database")
    site = Site()
    try:
        site.converge()
        site.wait_healthy()
        row = prove(site, life=site.declared.get("postgresql_life", 1))
        results.put(row, "life")
        results.numbers = {
            name: value for name, value in row.items() if name not in ("life", BROKEN)
        }
        results.save()
        show(row)
        assert not row[BROKEN], row[BROKEN]
    finally:
        if not keep:
            lab("--instance", INSTANCE, "down", "--purge")


if __name__ == "__main__":
    typer.run(main)

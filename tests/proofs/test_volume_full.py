"""The database's volume fills up: writing stops, nothing acknowledged is lost, room ends it.

    .venv/bin/python -m pytest --reuse-lab tests/proofs/test_volume_full.py

A file system of small size takes the place of the volume's directory on its node. Some minutes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError

from tests.support.database import Database, wait_until
from tests.support.promtool import Rules, fetch_promtool
from tests.support.site import on_host

NODE = "db1"
INSTANCE = "postgresql-1"
ROOM_MIB = 150
MORE_MIB = 600
ROWS = 2000  # of one statement, each with a page that does not compress: 16 MiB
STATEMENTS = 40
SECONDS = 300.0
PAGE = "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 256))"


class Volume:
    """The directory that is the instance's volume, and a file system of small size in its place."""

    def __init__(self) -> None:
        found = on_host(NODE, f"ls -d /srv/biomax-platform/volumes/*_{INSTANCE}").split()
        assert len(found) == 1, found
        self.path = found[0]

    def shrink(self) -> None:
        """Put a file system with little room above what is there in its place."""
        used = int(on_host(NODE, f"du -sm {self.path}").split()[0])
        self._swap(f"mount -t tmpfs -o size={used + ROOM_MIB}M,mode=0777 tmpfs {self.path}")

    def _swap(self, mount: str) -> None:
        script = f"mv {self.path} {self.path}.aside && mkdir {self.path} && {mount}"
        on_host(NODE, f"set -e; {script}; cp -a {self.path}.aside/. {self.path}/", timeout=120)

    def grow(self) -> None:
        """Give it more room, as an operator would."""
        used = int(on_host(NODE, f"du -sm {self.path}").split()[0])
        on_host(NODE, f"mount -o remount,size={used + MORE_MIB}M {self.path}")

    def put_back(self) -> None:
        """Bring what is there now to where the volume was, if it was swapped."""
        place = self.path
        script = (
            f"set -e; mountpoint -q {place} || exit 0; mkdir {place}.new; chmod 0777 {place}.new;"
            f" cp -a {place}/. {place}.new/; umount {place}; rmdir {place};"
            f" mv {place}.new {place}; rm -rf {place}.aside"
        )
        on_host(NODE, script, timeout=180)


@contextmanager
def stopped() -> Iterator[None]:
    """Stop all instances, as for work on their disks, and start them in the end."""
    database = Database()
    pods = "/api/v1/namespaces/biomax-data/pods"

    def hibernate(value: str | None) -> None:
        metadata = {"annotations": {"cnpg.io/hibernation": value}}

        def taken() -> bool:  # not while the operator, whose webhook is asked, comes back itself
            try:
                database.client.merge(database.path, {"metadata": metadata})
            except ClusterError:
                return False
            return True

        wait_until("the operator takes the annotation", taken, 120)

    def gone() -> bool:
        listed = database.client.get(pods, labelSelector="cnpg.io/cluster=postgresql")["items"]
        return not [item for item in listed if item["metadata"]["name"] == INSTANCE]

    hibernate("on")
    try:
        wait_until("the instance has stopped", gone, SECONDS)
        yield
    finally:
        hibernate(None)
        wait_until("the instance is ready", ready, SECONDS)


def ready() -> bool:
    """Tell whether the primary answers."""
    try:
        database = Database()
        whole = database.cluster["status"].get("phase") == "Cluster in healthy state"
        return whole and database.query("SELECT 1") == "1"
    except (AssertionError, OSError, KeyError, ClusterError):  # its pod is on the way
        return False


@pytest.fixture
def volume(site: str) -> Iterator[Volume]:
    """A volume with little room."""
    made = Volume()
    try:
        with stopped():
            made.shrink()
        yield made
    finally:
        with stopped():
            made.put_back()


def measured() -> dict[str, str]:
    """Return how full the kubelet says the volume is, as series for promtool."""
    text = Database().client.text(f"/api/v1/nodes/{NODE}/proxy/metrics")
    rows = (line.rpartition(" ") for line in text.splitlines())
    return {
        series: f"{float(value):.0f}x20"
        for series, _, value in rows
        if re.match(r"kubelet_volume_stats_(available|capacity)_bytes\{", series)
        and f'persistentvolumeclaim="{INSTANCE}"' in series
    }


@pytest.mark.lab
def test_a_full_volume_is_told_stops_writing_and_loses_nothing(
    volume: Volume, tmp_path: Path
) -> None:
    mark, acknowledged, said = uuid.uuid4().hex, 0, ""
    fill = (
        f"INSERT INTO users (email, profile) SELECT '{mark}-' || gen_random_uuid(),"  # noqa: S608 - made here
        f" jsonb_build_object('page', {PAGE}) FROM generate_series(1, {ROWS})"
    )
    for _ in range(STATEMENTS):
        try:
            Database().query(fill)
        except (AssertionError, OSError) as error:
            said = str(error)
            break
        acknowledged += ROWS
    assert said, "the volume did not fill"
    assert acknowledged, said
    print(f"full after {acknowledged} rows: {said.strip().splitlines()[-1][:200]}")

    rules = Rules(fetch_promtool(tmp_path), tmp_path, "postgresql")
    wait_until(
        "the alert fires at what the kubelet measures",
        lambda: "PostgreSQLVolumeFills" in rules.firing(measured(), 12),
        180,
    )

    volume.grow()
    took = wait_until("the database is ready again", ready, SECONDS)
    counted = f"SELECT count(*) FROM users WHERE email LIKE '{mark}-%'"  # noqa: S608 - made here
    assert int(Database().query(counted)) == acknowledged
    print(f"ready {took:.0f} s after it got room, {acknowledged} rows there")
    Database().query(f"DELETE FROM users WHERE email LIKE '{mark}-%'; VACUUM FULL users;")  # noqa: S608 - made here

"""How a database began stays as it was while it lives; a lost one begins with its archive."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)

from tests.support.admission import Admission
from tests.support.database import CLUSTERS

from .conftest import Platform

LIVE = f"{CLUSTERS}/postgresql"
FORCE_SECONDS = 20.0  # a policy is in force some seconds after it was written


def variables(**values: Any) -> str:
    return (
        f"--extra-vars={json.dumps({f'postgresql_{key}': value for key, value in values.items()})}"
    )


@pytest.fixture(scope="module")
def client(platform: Platform) -> KubeClient:
    """The API of a site with a database, its policy in force."""
    platform.run()
    found = open_client(str(platform.state / "kubeconfig"))
    other = found.get(LIVE)
    other["metadata"] = {"name": "postgresql", "namespace": "biomax-data"}
    other["spec"]["backup"]["barmanObjectStore"]["serverName"] = "elsewhere"
    deadline = time.monotonic() + FORCE_SECONDS
    while "This database lives" not in Admission(found).ask(LIVE, other):
        assert time.monotonic() < deadline, "the policy is not in force"
        time.sleep(0.2)
    return found


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"life": 2, "recover_from": {"life": 1}}, "This database lives and its archive is life-1"),
        ({"recover_from": {"life": 1}}, "no life before this one (1)"),
        ({"recover_from": {"to": "2026-11-30"}}, "give {life: 1}, or"),
    ],
)
def test_a_living_database_keeps_its_beginning(
    platform: Platform, client: KubeClient, values: dict[str, Any], message: str
) -> None:
    before = client.get(LIVE)["spec"]
    platform.run(variables(**values), expect=2)
    assert message in " ".join(platform.output.split())
    assert client.get(LIVE)["spec"] == before


def test_the_plan_says_it_too(platform: Platform, client: KubeClient) -> None:
    platform.run("--check", variables(life=2), expect=2)
    assert "its archive is life-1, not life-2." in " ".join(platform.output.split())


def test_a_lost_one_begins_with_the_archive_and_keeps_one_of_its_own(
    platform: Platform, client: KubeClient
) -> None:
    client.delete(LIVE, client.get(LIVE)["metadata"]["uid"])
    to = "2026-11-30 03:00:00+03:00"
    begun = variables(life=3, recover_from={"life": 1, "to": to})
    assert platform.run(begun)["changed"]
    spec = client.get(LIVE)["spec"]
    recovery = spec["bootstrap"]["recovery"]
    assert recovery["recoveryTarget"] == {"targetTime": "2026-11-30 00:00:00.000000+00:00"}
    (source,) = spec["externalClusters"]
    assert source["name"] == recovery["source"]
    assert source["barmanObjectStore"]["serverName"] == "life-1"
    assert spec["backup"]["barmanObjectStore"]["serverName"] == "life-3"
    assert platform.run(begun)["plan"] == []
    later = "2026-11-30 04:00:00+03:00"
    for other in ({}, {"life": 1}, {"life": 1, "to": later}, {"life": 2, "to": to}):
        platform.run(variables(life=3, recover_from=other), expect=2)
        assert "leave postgresql_recover_from as it was" in " ".join(platform.output.split())
        assert client.get(LIVE)["spec"] == spec

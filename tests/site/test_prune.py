"""What left a component in a newer release: the object goes, the data stays and is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import COMPONENT_LABEL

from tests.support.database import KUBECONFIG
from tests.support.site import run_playbook

PLAYBOOK = "playbooks/deploy_platform.yml"
NAMESPACE = "/api/v1/namespaces/biomax-data"
SETTINGS = f"{NAMESPACE}/configmaps/of-an-older-release"
CLAIM = f"{NAMESPACE}/persistentvolumeclaims/of-an-older-release"


@pytest.fixture
def older(site: str) -> Iterator[KubeClient]:
    """A cluster with two objects that foundation declared once, one of them with data."""
    client = open_client(str(KUBECONFIG))
    metadata: dict[str, Any] = {
        "name": "of-an-older-release",
        "namespace": "biomax-data",
        "labels": {COMPONENT_LABEL: "foundation"},
    }
    client.apply(SETTINGS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    client.apply(CLAIM, {**claim, "metadata": metadata, "spec": spec})
    yield client
    for path in (SETTINGS, CLAIM):
        try:
            client.delete(path, client.get(path)["metadata"]["uid"])
        except MissingError:
            continue


@pytest.mark.lab
def test_an_object_that_left_goes_and_a_claim_stays_and_is_told(older: KubeClient) -> None:
    predicted = run_playbook(PLAYBOOK, "--check")
    assert "foundation: delete ConfigMap biomax-data/of-an-older-release" in predicted.output
    assert older.get(SETTINGS)

    run = run_playbook(PLAYBOOK)
    assert run.returncode == 0, run.output[-6000:]
    with pytest.raises(MissingError):
        older.get(SETTINGS)
    assert "deletionTimestamp" not in older.get(CLAIM)["metadata"]
    assert "PersistentVolumeClaim biomax-data/of-an-older-release" in run.output

    again = run_playbook(PLAYBOOK)
    assert again.counter("changed") == {}, again.output[-6000:]
    assert "PersistentVolumeClaim biomax-data/of-an-older-release" in again.output

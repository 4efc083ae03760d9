"""Every pair of the flows, tried from real pods: what is allowed is open, all else is closed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client

from tests.support.reachability import Parties, declared_flows, wrong
from tests.support.site import ROOT, run_playbook

POLICY = "/apis/networking.k8s.io/v1/namespaces/biomax-data/networkpolicies"


@pytest.fixture(scope="module")
def parties(formed: str) -> Iterator[Parties]:
    """A pod for each party."""
    made = Parties(open_client(str(ROOT / ".lab/kubeconfig")), declared_flows())
    try:
        made.start(seconds=240)
        yield made
    finally:
        made.remove()


@pytest.mark.lab
def test_flows_are_open_and_everything_else_is_closed(parties: Parties) -> None:
    attempts = parties.attempts()
    opened = sum(item.wanted for item in attempts)
    print(f"{len(attempts)} connections tried: {opened} allowed, {len(attempts) - opened} not")
    assert opened > len(parties.flows.rows)
    assert not wrong(attempts)


@pytest.mark.lab
def test_a_policy_that_somebody_removed_is_seen_and_comes_back(parties: Parties) -> None:
    name = "flows-postgresql-pooler"
    policy = parties.client.get(f"{POLICY}/{name}")
    parties.client.delete(f"{POLICY}/{name}", policy["metadata"]["uid"])
    seen = wrong(parties.attempts(["core"]))
    assert [line.split(": ")[0] for line in seen] == ["core -> postgresql-pooler:5432"]
    planned = run_playbook("playbooks/deploy_platform.yml", "--check", "--tags", "pod_flows")
    assert f"create NetworkPolicy biomax-data/{name}" in planned.output
    done = run_playbook("playbooks/deploy_platform.yml", "--tags", "pod_flows")
    assert done.returncode == 0, done.output[-3000:]
    assert not wrong(parties.attempts(["core"]))


@pytest.mark.lab
def test_a_hole_that_somebody_made_is_seen(parties: Parties) -> None:
    hole = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "hole", "namespace": "biomax-data"},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{}],
            "egress": [{}],
        },
    }
    made, _ = parties.client.apply(f"{POLICY}/hole", hole)
    try:
        seen = wrong(parties.attempts(["postgresql"]))
    finally:
        parties.client.delete(f"{POLICY}/hole", made["metadata"]["uid"])
    assert any(line.startswith("postgresql -> qdrant:6335: open") for line in seen), seen
    assert not wrong(parties.attempts(["postgresql"]))

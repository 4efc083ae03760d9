"""The short form of the plan proof: some rounds on the formed lab and at an API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proofs.plan.cluster.proof import ClusterProof
from tests.proofs.plan.cluster.site import platform, rendered_objects
from tests.proofs.plan.hosts.proof import HostProof
from tests.proofs.plan.hosts.site import forget, formed_site
from tests.proofs.results import BROKEN

SEED = 7
HOSTS = ("app1", "ml1")


@pytest.fixture
def hosts(formed: str, tmp_path: Path) -> Iterator[HostProof]:
    """Workers with the proof's declarations, which leave with it."""
    site = formed_site(HOSTS, tmp_path)
    yield HostProof(site, SEED, tmp_path)
    forget(site)


@pytest.mark.lab
def test_hosts_do_what_was_planned(hosts: HostProof) -> None:
    for number in range(2):
        rows = hosts.play(number)
        print(*rows, sep="\n")
        assert not [row[BROKEN] for row in rows if row[BROKEN]], rows


def test_the_cluster_does_what_was_planned(tmp_path: Path) -> None:
    with platform(tmp_path, rendered_objects()) as site:
        proof = ClusterProof(site, SEED, tmp_path)
        for number in range(5):
            (row,) = proof.play(number)
            print(row)
            assert not row[BROKEN], row

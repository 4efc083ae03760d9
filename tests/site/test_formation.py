"""Bare hosts to a healthy cluster, offline."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network

import pytest

from tests.proofs.survival import HOSTS, MEMBERS, cluster_shape, lost_restarts
from tests.support.site import ROOT, lab


@pytest.mark.lab
def test_six_nodes_and_three_etcd_members(site: str) -> None:
    assert cluster_shape() == {"nodes": sorted(MEMBERS), "etcd members": ["cp1", "cp2", "cp3"]}
    report = json.loads((ROOT / ".lab/report.json").read_text())
    assert [check["name"] for check in report["checks"] if not check["ok"]] == []
    assert len(report["checks"]) >= 6


@pytest.mark.lab
def test_no_process_is_older_than_its_inputs(site: str) -> None:
    assert {host: found for host in HOSTS if (found := lost_restarts(host))} == {}


@pytest.mark.lab
def test_no_foreign_address_was_tried(site: str) -> None:
    """Pod addresses of a host that is booting have no route yet; nothing else may be tried."""
    status = json.loads(lab("status", "--json"))
    pods = ip_network("10.244.0.0/16")
    assert [tried for tried in status["outside"] if ip_address(tried) not in pods] == []

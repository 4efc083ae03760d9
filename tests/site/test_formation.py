"""Bare hosts to a healthy cluster, offline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.proofs.survival import HOSTS, MEMBERS, cluster_shape, lost_restarts
from tests.support.site import ROOT


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
def test_nothing_left_the_lab_and_no_foreign_name_was_asked(
    site: str, egress_of_forming: dict[str, Any]
) -> None:
    """From bare hosts to the formed site, its verification and the second run included."""
    names = egress_of_forming["names"]
    assert egress_of_forming["outside"] == []
    assert egress_of_forming["refused"]["to_outside"] == 0
    assert [name for name in names if not name.endswith(".lab.biomax.internal")] == []

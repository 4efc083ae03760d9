"""The short forms of three proofs on light hosts: cut runs, check mode, cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import results
from tests.proofs.check_mode import prove_hosts
from tests.proofs.cost import api_cases, excess, hosts_cases, read_record
from tests.proofs.kill_hosts.__main__ import prove
from tests.proofs.light import site
from tests.proofs.results import BROKEN, read

pytestmark = [pytest.mark.lab]
SEED = 2  # the long form's is 1


def test_a_run_that_was_cut_is_finished_by_the_next(
    light_hosts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six cuts, two of each kind; every one really cut a run."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    assert prove(len(site.HOSTS), SEED) == []
    made = read(tmp_path / "kill_hosts.json")["numbers"]
    assert made["runs cut"] == len(site.HOSTS)
    assert made["left work to the next run"] > 0


def test_check_mode_touches_nothing(light_hosts: None) -> None:
    rows = prove_hosts()
    assert [row for row in rows if row[BROKEN]] == []


def test_a_run_costs_no_more_than_recorded(light_hosts: None) -> None:
    counted = {**hosts_cases(), **api_cases()}
    print(counted)
    assert excess(read_record(), counted) == []

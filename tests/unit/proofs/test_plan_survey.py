"""What the plan proof's survey of a host passes over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.proofs.plan.hosts import survey


def test_what_pods_write_is_no_change_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes = f"{tmp_path}/srv/biomax-platform/volumes"
    Path(volumes, "pvc-1").mkdir(parents=True)
    Path(volumes, "pvc-1/10.dat").write_text("a pod's")
    found = survey.PASSED.pattern.replace("^/srv", f"^{tmp_path}/srv")
    monkeypatch.setattr(survey, "PASSED", re.compile(found))
    monkeypatch.setattr(survey, "ROOTS", (f"{tmp_path}/srv",))
    assert [*survey.walk()] == [
        f"{tmp_path}/srv",
        f"{tmp_path}/srv/biomax-platform",
        volumes,
    ]

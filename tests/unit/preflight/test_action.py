# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between Ansible and the checks: results, the controller's kubeconfig, the report."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.action.preflight import (
    _controller_authority,
    _results,
    _write,
)
from ansible_collections.biomax.platform.plugins.action.preflight_host_info import clock_bounds
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import PATHS

ROOT = Path(__file__).parents[3]
DER = b"bytes of a certificate"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (
            {"unreachable": True, "msg": "Task failed: Data could not be sent to remote host"},
            "Data could not be sent to remote host",
        ),
        (
            {"failed": True, "msg": "Task failed: Module failed", "module_stderr": "no python3"},
            "no python3",
        ),
        ({"failed": True}, "the collector returned nothing"),
        (None, "nothing is registered as collected"),
    ],
)
def test_a_host_without_facts_has_a_reason(outcome: dict[str, Any] | None, reason: str) -> None:
    variables = {
        "ansible_play_hosts_all": ["good", "bad"],
        "hostvars": {
            "good": {"collected": {"host": {"uid": 0}}},
            "bad": {"collected": outcome} if outcome else {},
        },
    }
    assert _results("collected", variables) == ({"good": {"uid": 0}}, {"bad": reason})


def test_the_authority_of_the_controllers_kubeconfig(tmp_path: Path) -> None:
    pem = (
        "-----BEGIN CERTIFICATE-----\n"
        + base64.b64encode(DER).decode()
        + "\n-----END CERTIFICATE-----\n"
    )
    data = base64.b64encode(pem.encode()).decode()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump({"clusters": [{"cluster": {"certificate-authority-data": data}}]})
    )
    assert _controller_authority(kubeconfig) == hashlib.sha256(DER).hexdigest()


@pytest.mark.parametrize("text", [None, "", "clusters: [", "just text"])
def test_no_or_a_broken_kubeconfig_names_no_authority(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "kubeconfig").write_text(text)
    assert _controller_authority(tmp_path / "kubeconfig") == ""


def test_the_report_is_written_where_nothing_was(tmp_path: Path) -> None:
    path = tmp_path / "state/preflight.json"
    _write(path, {"site": "Пример", "findings": []})
    assert json.loads(path.read_text()) == {"site": "Пример", "findings": []}
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_module_collects_on_this_machine_and_changes_nothing() -> None:
    ansible = Path(sys.executable).with_name("ansible")
    command = [
        str(ansible),
        "localhost",
        "-i",
        "localhost,",
        "-c",
        "local",
        "--one-line",
        "--check",
    ]
    done = subprocess.run(
        [*command, "-m", "biomax.platform.preflight_host_info"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    result = json.loads(done.stdout.partition("=> ")[2])
    assert result["changed"] is False
    assert [disk["path"] for disk in result["host"]["disks"]] == list(PATHS)
    assert result["host"]["memory_mib"] > 100


@pytest.mark.parametrize("ahead", [0.0, 5.0, -5.0])
def test_clocks_are_compared_within_the_way_there_and_back(ahead: float) -> None:
    # 0.4 s there, 2 s of work, 0.1 s back.
    seen = {"start": 1000.4 + ahead, "end": 1002.4 + ahead}
    bounds = clock_bounds(seen, sent=1000.0, received=1002.5)
    assert bounds["low"] == pytest.approx(ahead - 0.1)
    assert bounds["high"] == pytest.approx(ahead + 0.4)

"""Twelve roles with 96 files on five hosts: one executed task per host when nothing changes.

The time is printed, not asserted: it depends on what else the machine does. Run with `-s`.
"""

from __future__ import annotations

import json
import resource
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.proofs.light import site
from tests.support.site import ROOT, VENV_BIN, environment

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("light_hosts")]
HOSTS = site.HOSTS[:5]
ROLES = [f"budget_{number:02d}" for number in range(12)]
TARGET = "/root/host-state-budget"


@pytest.fixture
def playbook(tmp_path: Path) -> Path:
    """Write the roles and a playbook that calls host_state once for all of them."""
    for name in ROLES:
        _write_role(tmp_path / "roles" / name)
    tasks: list[dict[str, Any]] = [
        {"name": f"Declare {name}", "import_role": {"name": name, "tasks_from": "declare"}}
        for name in ROLES
    ]
    tasks.append({"name": "Converge", "biomax.platform.host_state": {"roles": ROLES}})
    play = {"name": "Budget", "hosts": list(HOSTS), "gather_facts": False, "tasks": tasks}
    path = tmp_path / "budget.yml"
    path.write_text(yaml.safe_dump([play], sort_keys=False))
    return path


def _write_role(path: Path) -> None:
    for folder in ("defaults", "meta", "resources", "tasks", "templates"):
        (path / folder).mkdir(parents=True)
    names = [f"{path.name}_value_{number}" for number in range(20)]
    options = {name: {"type": "str", "description": "A value."} for name in names}
    specs = {"argument_specs": {"main": {"short_description": "A role.", "options": options}}}
    files = {
        "defaults/main.yml": dict.fromkeys(names, "value"),
        "meta/argument_specs.yml": specs,
        "resources/main.yml": [
            {"file": f"{TARGET}/{path.name}/{number}", "template": f"{number}.j2"}
            for number in range(8)
        ],
        "tasks/declare.yml": [],
    }
    for name, content in files.items():
        (path / name).write_text(yaml.safe_dump(content))
    for number in range(8):
        lines = "".join(f"{{{{ {name} }}}} {{{{ inventory_hostname }}}}\n" for name in names)
        (path / "templates" / f"{number}.j2").write_text(f"# {{{{ ansible_managed }}}}\n{lines}")


def run(playbook: Path) -> tuple[dict[str, Any], float, float]:
    """Run the playbook; return its record, and the seconds and CPU seconds on the controller."""
    record = playbook.with_name("record.json")
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(VENV_BIN / "ansible-playbook"), str(playbook), "-i", site.inventory({})],
        cwd=ROOT,
        env={**environment(record), "ANSIBLE_ROLES_PATH": str(playbook.parent / "roles")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(record.read_text()), time.monotonic() - started, cpu


def test_one_task_per_host(playbook: Path) -> None:
    try:
        run(playbook)
        record, seconds, cpu = run(playbook)
    finally:
        site.on_hosts(HOSTS, "rm", "-rf", TARGET)
    print(f"96 files on {len(HOSTS)} hosts, no change: {seconds:.1f} s, controller {cpu:.1f} s CPU")
    assert record["hosts"] == {host: {"executed": 1} for host in HOSTS}

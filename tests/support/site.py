"""Runs of the product's playbooks as a user starts them, with their counters."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
VENV_BIN = ROOT / ".venv" / "bin"

# A site of another lab instance (tests/support/inventories.py writes it), or the lab's own.
_SITE = os.environ.get("BIOMAX_TEST_SITE")
INVENTORY = f"{_SITE}/inventory" if _SITE else "inventories/lab"
STATE = Path(_SITE) / "state" if _SITE else ROOT / ".lab"
CONTROLLER = "localhost"


@dataclass(frozen=True)
class Run:
    """One finished ansible-playbook: exit code, printed text and counters by host."""

    returncode: int
    output: str
    record: dict[str, Any] = field(default_factory=dict)

    def counter(self, name: str) -> dict[str, int]:
        """Return the counter `name` of each host where it is not zero."""
        hosts: dict[str, dict[str, int]] = self.record.get("hosts", {})
        return {host: counters[name] for host, counters in hosts.items() if counters.get(name)}

    def changed_tasks(self) -> list[str]:
        """Return a line for each task that changed something, naming its hosts."""
        return [
            f"{task['name']}: {', '.join(task['changed'])}"
            for task in self.record.get("tasks", [])
            if task.get("changed")
        ]

    def executed_on(self, host: str, plays: tuple[str, ...]) -> int:
        """Return how many tasks ran on `host` in plays whose name starts with one of `plays`."""
        return sum(
            host in task["hosts"]
            for task in self.record.get("tasks", [])
            if task["play"].startswith(plays)
        )


def platform_components() -> list[str]:
    """Return the components of a site in their order."""
    tasks = yaml.safe_load((ROOT / "playbooks/tasks/platform.yml").read_text(encoding="utf-8"))
    (names,) = [
        task["biomax.platform.cluster_state"]["components"]
        for task in tasks
        if "biomax.platform.cluster_state" in task
    ]
    return list(names)


def environment(record: Path | None = None) -> dict[str, str]:
    """Return the process environment of a run: the pinned tools first, colours off."""
    path = f"{VENV_BIN}:{os.environ['PATH']}"
    wanted = {"PATH": path, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
    if record:
        wanted["BIOMAX_RUN_RECORD"] = str(record)
    return {**os.environ, **wanted}


def command(playbook: str, *arguments: str, inventory: str = INVENTORY) -> list[str]:
    """Return the command line a user would type."""
    return [str(VENV_BIN / "ansible-playbook"), "-i", inventory, playbook, *arguments]


def run_tool(
    argv: list[str], timeout: float, record: Path | None = None, root: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a program of the project to its end, both outputs in one text; `timeout` in seconds."""
    return subprocess.run(
        argv,
        cwd=root,
        env=environment(record),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


def run_playbook(
    playbook: str,
    *arguments: str,
    inventory: str = INVENTORY,
    timeout: float = 1200,
    root: Path = ROOT,
) -> Run:
    """Run a playbook of the checkout `root`; return what it did; `timeout` in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "run.json"
        argv = command(playbook, *arguments, inventory=inventory)
        done = run_tool(argv, timeout, record, root)
        counters = json.loads(record.read_text()) if record.exists() else {}
    return Run(done.returncode, done.stdout, counters)


def run_scenario(name: str, *arguments: str, timeout: float = 1200) -> str:
    """Run `molecule test` of one scenario and return what it printed.

    Raises AssertionError with the end of the output when the scenario fails.
    """
    molecule = str(VENV_BIN / "molecule")
    # Molecule remembers instances of an earlier run and would not boot them again.
    run_tool([molecule, "reset", "--scenario-name", name], timeout)
    done = run_tool([molecule, "test", "--scenario-name", name, *arguments], timeout)
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


def lab(*arguments: str, timeout: float = 300, check: bool = True) -> str:
    """Run the lab program and return what it printed."""
    done = run_tool([str(ROOT / "lab" / "lab"), *arguments], timeout)
    if check and done.returncode != 0:
        raise AssertionError(f"lab {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


def on_host(host: str, script: str, timeout: float = 60) -> str:
    """Run a shell script on a lab host and return its standard output."""
    return lab("exec", host, "--", "sh", "-c", script, timeout=timeout)

"""A lab instance of the benchmark's own, and runs of playbooks on it with their costs."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lab.hosts.instance import Instance
from tests.bench.cost import Cost, measure
from tests.bench.light_hosts import light_hosts
from tests.support.inventories import lab_status, write_inventory
from tests.support.site import ROOT, run_playbook, run_tool

RESULTS = ROOT / ".lab" / "bench"
TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class BenchLab:
    """Hosts that are up, and their inventory."""

    instance: Instance
    inventory: str
    hosts: tuple[str, ...]

    def play(self, *playbooks: str, extra: tuple[str, ...] = ()) -> Cost:
        """Run playbooks in one run and return what it cost, with its phases and counters.

        Args:
            playbooks: Paths, in order.
            extra: Further arguments of ansible-playbook.

        Raises:
            RuntimeError: The run failed; the end of its output is in the message.
        """
        since = int(time.time())
        with new_connections() as connections:
            arguments = (*playbooks, *connections, *extra)
            cost, run = measure(
                lambda: run_playbook(*arguments, inventory=self.inventory, timeout=TIMEOUT_SECONDS),
                self.instance,
            )
        if run.returncode != 0:
            raise RuntimeError(f"{' '.join(playbooks)} failed:\n{run.output[-6000:]}")
        phases: dict[str, float] = {}
        for play in run.record["plays"]:
            phases[play["name"]] = phases.get(play["name"], 0.0) + play["seconds"]
        members = [host for host in self.hosts if host != "mirror1"]
        counters = {
            "changed": sum(run.counter("changed").values()),
            "host_layer_tasks": max(
                run.executed_on(host, ("Preflight", "Converge")) for host in members
            ),
            "bytes_hashed": max(run.counter("bytes_hashed").values(), default=0),
            "connections": max(self._connections(host, since) for host in members),
        }
        return replace(cost, phases=phases, counters=counters)

    def lab(self, *arguments: str) -> str:
        """Run the lab program on this instance.

        Raises:
            RuntimeError: It failed.
        """
        return lab(self.instance, *arguments)

    def _connections(self, host: str, since: int) -> int:
        """Count the logins by SSH that a host noted since a time in epoch seconds."""
        journal = f"journalctl --since=@{since} --unit=ssh --output=cat"
        counted = self.lab("exec", host, "--", "sh", "-c", f"{journal} | grep -c Accepted || true")
        return int(counted)


@contextmanager
def new_connections() -> Iterator[tuple[str, str]]:
    """Yield arguments with which a run opens its own connections, as the first run of a day does.

    The connections that ansible-playbook keeps open are closed in the end.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield "-e", f"ansible_control_path_dir={folder}"
        for socket in Path(folder).iterdir():
            close = ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "any"]
            subprocess.run(close, capture_output=True, check=True)


def lab(instance: Instance, *arguments: str) -> str:
    """Run the lab program on an instance and return what it printed.

    Raises:
        RuntimeError: It failed.
    """
    command = [str(ROOT / "lab/lab"), "--instance", instance.name, *arguments]
    done = run_tool(command, TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise RuntimeError(f"lab {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


@contextmanager
def fresh_hosts(name: str, topology: str) -> Iterator[tuple[BenchLab, Cost]]:
    """Boot bare hosts as an instance of their own; yield them and what booting cost.

    The root file system is made beforehand, since it is made once for a machine.
    """
    instance = Instance(name)
    lab(instance, "down", "--purge")
    try:
        lab(instance, "up", "--topology", topology)  # makes the root file system when there is none
        lab(instance, "down", "--purge")
        cost, _ = measure(lambda: lab(instance, "up", "--topology", topology), instance)
        yield _with_inventory(instance), cost
    finally:
        lab(instance, "down", "--purge")


def _with_inventory(instance: Instance) -> BenchLab:
    status: dict[str, Any] = lab_status(instance.name)
    hosts = light_hosts(status) if status["topology"] == "light" else None
    inventory = write_inventory(Path(RESULTS / instance.name), status, hosts)
    return BenchLab(instance, inventory, tuple(host["host"] for host in status["hosts"]))

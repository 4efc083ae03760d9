"""Real runs of ansible-playbook that sleep and then change something, on a site without hosts."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.site import ROOT, command, environment

PLAY = """
- hosts: localhost
  gather_facts: false
  vars: {site_run_changes: %s}
  tasks:
    - ansible.builtin.command: sleep %d
    - ansible.builtin.file: {path: "{{ site_state_dir }}/changed-%s", state: touch, mode: "0600"}
"""


class Site:
    """A site without hosts of its own: the controller, and a state directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "hosts").write_text(
            f"localhost ansible_connection=local site_state_dir={folder}/state\n"
        )

    def start(
        self, name: str, *options: str, seconds: int = 0, marked: bool = True
    ) -> subprocess.Popen[str]:
        """Start a run that sleeps and then changes something."""
        playbook = self.folder / f"{name}.yml"
        playbook.write_text(PLAY % (str(marked).lower(), seconds, name))
        return subprocess.Popen(
            command(str(playbook), *options, inventory=str(self.folder / "hosts")),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def changed(self, name: str) -> bool:
        """Return whether a run got as far as its change."""
        return (self.folder / "state" / f"changed-{name}").exists()

    @contextmanager
    def at_work(self) -> Iterator[subprocess.Popen[str]]:
        """Have a first run that holds the lock; its whole session ends with the block."""
        first = self.start("first", seconds=60)
        lock = self.folder / "state/run.lock"
        deadline = time.monotonic() + 60
        while not (lock.exists() and lock.read_text()):
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        try:
            yield first
        finally:
            end(descendants(first.pid))
            first.kill()
            first.communicate()


def descendants(pid: int) -> list[int]:
    """Return the processes that came from `pid`; workers have sessions of their own."""
    try:
        direct = [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return direct + [further for child in direct for further in descendants(child)]


def name_of(pid: int) -> str:
    """Return the program of a process; empty when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def end(pids: list[int]) -> None:
    """Kill processes that this test started."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

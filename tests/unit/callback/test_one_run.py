"""Two real runs of ansible-playbook on one site: the second is refused and names the first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from tests.support.site import ROOT, command, environment

PLAY = """
- hosts: localhost
  gather_facts: false
  vars: {site_run_changes: %s}
  tasks:
    - ansible.builtin.command: sleep %d
    - ansible.builtin.file: {path: "{{ site_state_dir }}/changed-%s", state: touch, mode: "0600"}
"""
CHANGING = ("converge_hosts", "form_cluster", "deploy_platform")
LOOKING = ("preflight", "plan", "status", "verify", "show_config")


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


@pytest.fixture(name="site")
def fixture_site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_second_is_refused_and_names_the_first(site: Site) -> None:
    with site.at_work() as first:
        second = site.start("second")
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 1, output
        assert f"pid {first.pid}" in output
        assert all(word in output for word in ("controller ", "user ", "since 20", "first.yml"))
        assert "Nothing was changed by this run" in output
        assert not site.changed("second")
        assert first.poll() is None


@pytest.mark.parametrize(("options", "marked"), [(("--check",), True), ((), False)])
def test_what_only_looks_is_not_refused(site: Site, options: tuple[str, ...], marked: bool) -> None:
    with site.at_work():
        second = site.start("second", *options, marked=marked)
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 0, output


def test_a_killed_run_keeps_nobody_out_though_its_worker_lives(site: Site) -> None:
    with site.at_work() as first:
        deadline = time.monotonic() + 30
        while "sleep" not in map(name_of, workers := descendants(first.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        try:
            first.kill()
            first.wait()
            second = site.start("second")
            output, _ = second.communicate(timeout=60)
            assert second.returncode == 0, output
            assert site.changed("second")
            assert any(Path(f"/proc/{worker}").exists() for worker in workers)
        finally:
            end(workers)


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


def test_runs_one_after_the_other_are_free(site: Site) -> None:
    for name in ("one", "two"):
        run = site.start(name)
        output, _ = run.communicate(timeout=60)
        assert (run.returncode, site.changed(name)) == (0, True), output
    holder = json.loads((site.folder / "state/run.lock").read_text())
    assert holder.keys() == {"controller", "user", "pid", "since", "command"}


@pytest.mark.parametrize("name", [*CHANGING, *LOOKING])
def test_the_playbooks_that_change_a_site_are_marked(name: str) -> None:
    plays = yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())
    marks = [bool((play.get("vars") or {}).get("site_run_changes")) for play in plays]
    assert marks[0] == (name in CHANGING)
    assert name in CHANGING or not any(marks)

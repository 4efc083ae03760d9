"""A run killed at any step is finished by the next one, and no restart is lost."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.host.bundles import Bundle
from tests.unit.host.simulated import SimulatedHost

EFFECTS = (
    *("open", "write", "fsync", "fchmod", "fchown", "rename", "replace", "unlink", "mkdir"),
    *("symlink", "rmdir", "chmod", "ftruncate", "close"),
)
LIMIT = 2000  # steps of one run; reached only when the counter is broken


def entries(version: str) -> list[dict[str, Any]]:
    """Return a host with three services, in one of two versions."""
    own = f"[Service]\nX-Reads=/etc/own.conf\nX-Reads=/opt/tool/probe-tool\n# {version}\n"
    return [
        {"packages": ["alpha", "beta"]},
        {"user": "svc"},
        {"sysctl": {"vm.swappiness": 1 if version == "new" else 2}},
        {"file": "/etc/alpha.conf", "content": version, "restarts": ["alpha.service"]},
        {"unit": "alpha.service", "state": "running", "enabled": True, "ready": ["true"]},
        {"artifact": "probe-tool", "dest": "/opt/tool", "version": version, **RESTART_OWN},
        {"directory": "/etc/own.d", "mode": "0700"},
        {"symlink": "/etc/own.d/link", "target": version},
        {"file": "/etc/own.conf", "content": version, **RESTART_OWN},
        {"file": "/etc/systemd/system/own.service", "content": own, **RESTART_OWN},
        {"unit": "own.service", "state": "running", "enabled": True},
        {"file": "/etc/beta.conf", "content": version, "reloads": ["beta.service"]},
        {"unit": "beta.service", "state": "running"},
        {"file": "/etc/old.conf", "state": "absent"},
    ]


RESTART_OWN = {"restarts": ["own.service"]}


class Killer:
    """Counts effects and ends the process by SIGKILL at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    def tick(self) -> None:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        for name in EFFECTS:
            setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.tick()
            return function(*args, **kwargs)

        return counted


def run_killed(root: Path, at: int, bundle: Bundle, version: str = "new") -> bool:
    """Run a call in a child that dies at step `at`; return whether it lived to its end."""
    child = os.fork()
    if child == 0:
        killer = Killer(at)
        host = SimulatedHost(root, killer.tick)
        killer.install()
        finished = False
        try:
            host.converge(entries(version), context=bundle.quick_context(host))
            finished = True
        finally:
            os._exit(0 if finished else 3)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def assert_whole(root: Path, bundle: Bundle) -> None:
    """One more run succeeds, a further one finds nothing to do, and nothing old runs."""
    host = SimulatedHost(root)
    host.converge(entries("new"), context=bundle.quick_context(host))
    again = host.converge(entries("new"), context=bundle.quick_context(host))
    assert [*again.plan.steps] == []
    assert host.running() == ["alpha.service", "beta.service", "own.service"]
    assert host.stale() == []
    assert host.leftovers() == []


@pytest.fixture
def changed_host(fast_path: Path, bundle: Bundle) -> Path:
    """Return a host that runs the old version, so that the new one restarts everything."""
    host = SimulatedHost(fast_path / "before")
    (host.root / "etc/old.conf").write_text("old")
    host.converge(entries("old"), context=bundle.quick_context(host))
    (host.root / "etc/old.conf").write_text("old")
    assert host.stale() == []
    return host.root


@pytest.mark.parametrize("start", ["bare", "changed"])
def test_a_kill_at_every_step(
    start: str, fast_path: Path, changed_host: Path, bundle: Bundle
) -> None:
    for at in range(1, LIMIT):
        root = fast_path / "killed"
        shutil.rmtree(root, ignore_errors=True)
        if start == "changed":
            shutil.copytree(changed_host, root, symlinks=True)
        else:
            SimulatedHost(root)
        lived = run_killed(root, at, bundle)
        assert_whole(root, bundle)
        if lived:
            assert at > 100
            return
    pytest.fail(f"the run did not end within {LIMIT} steps")


def test_two_kills_in_a_row(fast_path: Path, changed_host: Path, bundle: Bundle) -> None:
    for first in range(40, 200, 23):
        for second in range(1, 160, 31):
            root = fast_path / "killed"
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(changed_host, root, symlinks=True)
            run_killed(root, first, bundle)
            run_killed(root, second, bundle)
            assert_whole(root, bundle)


def test_the_ledger_is_what_saves_the_restart(
    fast_path: Path, changed_host: Path, bundle: Bundle
) -> None:
    """Without the ledger the same kills lose restarts, so this test can fail."""
    lost = 0
    for at in range(1, LIMIT, 5):
        root = fast_path / "killed"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(changed_host, root, symlinks=True)
        lived = run_killed(root, at, bundle)
        shutil.rmtree(root / "var/lib/biomax-platform/ledger", ignore_errors=True)
        host = SimulatedHost(root)
        host.converge(entries("new"), context=bundle.quick_context(host))
        lost += bool(host.stale())
        if lived:
            break
    assert lost > 0

"""Jobs that outlive their caller, the ledger, and the lock that kubeadm holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    command,
    job,
    ledger,
    locking,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.following import follow
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout

INTENT = ledger.Intent(
    action="join",
    role="worker",
    node="app1",
    cluster="api.example.org:8443",
    ca="aa",
    version="1.36.3",
    started="2026-01-01T00:00:00Z",
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


def until_open(path: Path) -> job.Step:
    def act(tools: job.Tools) -> None:
        wait_for(path.exists)

    return job.Step("wait for the test", act)


def failing(error: Exception) -> job.Step:
    def act(tools: job.Tools) -> None:
        raise error

    return job.Step("fail", act)


def test_intent_stands_before_the_first_step_and_leaves_after_the_last(layout: Layout) -> None:
    gate = layout.root / "gate"
    assert job.start(layout, INTENT, [until_open(gate)])
    assert ledger.read_intent(layout) == INTENT
    assert job.follow(layout, 0, 0.1).running
    gate.touch()
    progress = job.follow(layout, 0, 20)
    assert (progress.running, progress.failed) == (False, "")
    assert progress.lines == ("= wait for the test",)
    assert ledger.read_intent(layout) is None
    assert list(layout.intent.parent.iterdir()) == []
    record = ledger.read_record(layout)
    assert record is not None
    assert (record["action"], record["node"]) == ("join", "app1")


def test_second_job_is_not_begun_while_the_first_lives(layout: Layout) -> None:
    gate = layout.root / "gate"
    assert job.start(layout, INTENT, [until_open(gate)])
    assert not job.start(layout, INTENT, [failing(AssertionError("must not run"))])
    gate.touch()
    assert job.follow(layout, 0, 20).failed == ""


@pytest.mark.parametrize("error", [PlatformError("no way in"), RuntimeError("no way in")])
def test_failure_is_kept_in_the_ledger(layout: Layout, error: Exception) -> None:
    layout.runtime.mkdir(parents=True)
    secret = layout.runtime / "discovery.conf"
    secret.touch()
    job.start(layout, INTENT, [failing(error), failing(AssertionError("must not run"))])
    progress = job.follow(layout, 0, 20)
    assert "no way in" in progress.failed
    found = ledger.read_intent(layout)
    assert found is not None
    assert "no way in" in found.failed
    assert ledger.read_record(layout) is None
    assert not secret.exists()


def test_killed_job_leaves_an_open_intent(layout: Layout) -> None:
    def act(tools: job.Tools) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    job.start(layout, INTENT, [job.Step("die", act)])
    progress = job.follow(layout, 0, 20)
    assert not progress.running
    assert "was cut" in progress.failed


def test_program_keeps_the_lock_when_the_job_dies(layout: Layout) -> None:
    gate, started = layout.root / "gate", layout.root / "started"
    program = f"import pathlib,time\npathlib.Path({str(started)!r}).touch()\n"
    program += f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.02)"
    pid = layout.root / "pid"

    def act(tools: job.Tools) -> None:
        pid.write_text(str(os.getpid()))
        command.run_logged([sys.executable, "-c", program], tools.log, keep_open=tools.lock)

    job.start(layout, INTENT, [job.Step("run", act)])
    wait_for(started.exists)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    time.sleep(0.2)
    assert locking.is_locked(layout)
    gate.touch()
    wait_for(lambda: not locking.is_locked(layout))


def test_job_outlives_the_process_that_began_it(layout: Layout) -> None:
    script = layout.root / "caller.py"
    script.write_text(
        "import os, sys, time\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from tests.unit.membership.test_jobs import INTENT, until_open\n"
        "from ansible_collections.biomax.platform.plugins.module_utils.membership import job\n"
        "from ansible_collections.biomax.platform.plugins.module_utils.membership.layout"
        " import Layout\n"
        "root = Path(sys.argv[1])\n"
        "job.start(Layout(root), INTENT, [until_open(root / 'gate')])\n"
        "(root / 'begun').touch()\n"
        "time.sleep(60)\n"
    )
    repository = Path(__file__).resolve().parents[3]
    caller = subprocess.Popen(
        [sys.executable, str(script), str(layout.root), str(repository / "collections")],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        start_new_session=True,
    )
    wait_for((layout.root / "begun").exists)
    os.killpg(caller.pid, signal.SIGKILL)
    caller.wait()
    assert locking.is_locked(layout)
    (layout.root / "gate").touch()
    assert job.follow(layout, 0, 20).failed == ""
    assert ledger.read_record(layout) is not None


def test_damaged_or_foreign_ledger_stops_the_run(layout: Layout) -> None:
    ledger.write_intent(layout, INTENT)
    layout.intent.write_text(layout.intent.read_text()[:20])
    with pytest.raises(PlatformError, match=r"membership\.json"):
        ledger.read_intent(layout)
    layout.intent.write_text(json.dumps({"format": 2}))
    with pytest.raises(PlatformError, match="unknown format"):
        ledger.read_intent(layout)
    layout.intent.write_text(json.dumps({"format": 1, "colour": "red"}))
    with pytest.raises(PlatformError, match="unexpected fields"):
        ledger.read_intent(layout)


def test_log_shows_each_phase_once_and_no_half_line(layout: Layout) -> None:
    layout.log.parent.mkdir(parents=True)
    layout.log.write_text("= kubeadm join\n[certs] one\n[certs] two\nnoise\n[etcd] thr")
    progress = job.follow(layout, 0, 0)
    assert progress.lines == ("= kubeadm join", "[certs] one")
    with layout.log.open("a") as stream:
        stream.write("ee\n")
    assert job.follow(layout, progress.offset, 0).lines == ("[etcd] three",)


def test_program_that_fails_or_is_missing_is_named() -> None:
    with pytest.raises(PlatformError, match=r"false failed \(1\)"):
        command.run(["false"])
    with pytest.raises(PlatformError, match="not-there is not installed"):
        command.run(["not-there"])
    assert "http_proxy" not in {name.lower() for name in command.environment()}


def test_following_shows_lines_and_keeps_the_change() -> None:
    answers = [
        {"running": True, "changed": True, "progress": ["a", "b"], "offset": 7},
        {"running": True, "changed": False, "progress": [], "offset": 7},
        {"running": False, "changed": False, "progress": ["c"], "offset": 9, "member": {}},
    ]
    offsets: list[int] = []
    shown: list[str] = []

    def ask(offset: int) -> dict[str, object]:
        offsets.append(offset)
        return dict(answers[len(offsets) - 1])

    result = follow(ask, shown.append)
    assert (offsets, shown) == ([0, 7, 7], ["a", "b", "c"])
    assert (result["changed"], result["member"]) == (True, {})


def test_following_ends_at_a_failure() -> None:
    result = follow(lambda _offset: {"failed": True, "msg": "no", "running": True}, print)
    assert result == {"failed": True, "msg": "no", "running": True}

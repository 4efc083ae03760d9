# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a lab and what it says about it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.hosts import state
from lab.hosts.errors import LabError
from lab.hosts.instance import Instance
from lab.hosts.state import Phase, State, Verdict, judge
from lab.hosts.topology import Host


def make(phase: Phase = Phase.UP, boot: str = "b1", off: Sequence[str] = ()) -> State:
    return State(
        instance="default",
        topology="pair",
        domain="example.test",
        hosts=[Host(name="a1", number=11)],
        checkout=Path("/src"),
        boot_id=boot,
        since="2026-01-01T00:00:00Z",
        phase=phase,
        off=list(off),
    )


@pytest.mark.parametrize(
    ("record", "processes", "checkout", "verdict"),
    [
        (make(), 5, True, Verdict.ALIVE),
        (make(), 0, True, Verdict.DEAD),
        (make(off=["a1"]), 0, True, Verdict.ALIVE),
        (make(off=["a1"]), 0, False, Verdict.DEAD),
        (make(), 5, False, Verdict.DEAD),
        (make(Phase.STARTING), 5, True, Verdict.DEAD),
        (make(boot="b0"), 5, True, Verdict.DEAD),
        (None, 0, False, Verdict.NONE),
        (None, 5, False, Verdict.DEAD),
    ],
)
def test_judge(record: State | None, processes: int, checkout: bool, verdict: Verdict) -> None:
    found = judge(record, this_boot="b1", processes=processes, checkout_exists=checkout)
    assert found is verdict


def test_unknown_host_names_the_known_ones() -> None:
    with pytest.raises(LabError, match=r"no host b9 in topology pair; its hosts are a1\."):
        make().host("b9")


@pytest.fixture(name="instance")
def fixture_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setattr(Instance, "run_dir", tmp_path / "run")
    monkeypatch.setattr(Instance, "lock_file", tmp_path / "lock")
    return Instance()


def test_record_round_trip(instance: Instance) -> None:
    assert state.load_state(instance) is None
    state.save_state(instance, make())
    assert state.load_state(instance) == make()


def test_a_cut_record_is_no_record(instance: Instance) -> None:
    state.save_state(instance, make())
    instance.state_file.write_text(instance.state_file.read_text()[:40])
    assert state.load_state(instance) is None


def test_second_command_is_refused_and_the_lock_of_the_dead_is_free(instance: Instance) -> None:
    holder = (
        "import fcntl, os, sys, time; file = open(sys.argv[1], 'w'); "
        "fcntl.flock(file, fcntl.LOCK_EX); file.write(str(os.getpid())); file.flush(); "
        "print(flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", holder, str(instance.lock_file)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(LabError, match=f"process {other.pid}"), state.locked(instance):
            pass
        other.kill()
    with state.locked(instance):
        assert instance.lock_file.read_text() != str(other.pid)

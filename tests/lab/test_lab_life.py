# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab leaves nothing behind, however it ends, and never takes another one's place."""

from __future__ import annotations

import json
import shutil
import signal
import time
from pathlib import Path

import pytest

from lab.hosts import cgroups
from lab.hosts.sysctls import EXACT, LEAST, SAVED
from tests.lab.lab_command import INSTANCE, LabCommand, copy_checkout, nothing, traces

pytestmark = [pytest.mark.lab, pytest.mark.destructive]


def sysctl(key: str) -> int | None:
    path = Path("/proc/sys", *key.split("."))
    return int(path.read_text()) if path.is_file() else None


def test_down_leaves_nothing_and_up_again_is_new(clean: LabCommand) -> None:
    before = {key: sysctl(key) for key in EXACT | LEAST}
    if SAVED.is_file():  # another lab is up and has saved the machine's own values
        before |= json.loads(SAVED.read_text())
    clean("up", "--topology", "pair")
    assert all(traces()[kind] for kind in traces())  # every kind is really looked at
    clean("ssh", "a1", "touch", "/root/mark")
    assert "already up" in clean("up", "--topology", "pair")
    clean("ssh", "a1", "test", "-e", "/root/mark")

    clean("down")
    assert traces() == nothing()
    after = json.loads(SAVED.read_text()) if SAVED.is_file() else {}
    assert {key: after.get(key, sysctl(key)) for key in before} == before
    assert "there was no lab" in clean("down")

    clean("up", "--topology", "pair")
    clean("ssh", "a1", "test", "!", "-e", "/root/mark")


@pytest.mark.parametrize("seconds", [0.5, 1.0, 1.6, 2.2, 3.0])
def test_down_after_up_was_killed(clean: LabCommand, seconds: float) -> None:
    with clean.start("up", "--topology", "pair") as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    clean("down")
    assert traces() == nothing()


def test_up_after_up_was_killed(clean: LabCommand) -> None:
    with clean.start("up", "--topology", "pair") as process:
        while not traces()["processes"]:  # the moment at which most is half made
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert "clear what the last lab left" in clean("up", "--topology", "pair")
    assert [row["ssh"] for row in clean.status()["hosts"]] == [True, True]


def test_up_killed_while_it_builds_the_root_file_system(clean: LabCommand, tmp_path: Path) -> None:
    with clean.start("up", "--topology", "pair", XDG_CACHE_HOME=str(tmp_path)) as process:
        while not any("mmdebstrap" in line for line in traces()["processes"]):
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        time.sleep(2)
        process.send_signal(signal.SIGKILL)
    assert traces()["processes"]  # orphans of the build
    clean("down")
    assert traces() == nothing()


def test_down_and_up_after_the_runtime_directory_was_deleted(clean: LabCommand) -> None:
    clean("up", "--topology", "pair")
    shutil.rmtree(clean.runtime)
    clean("up", "--topology", "pair")
    assert [row["ssh"] for row in clean.status()["hosts"]] == [True, True]
    shutil.rmtree(clean.runtime)
    clean("down")
    assert traces() == nothing()


def test_a_living_lab_is_refused_to_others_and_a_dead_one_cleared(
    clean: LabCommand, tmp_path: Path
) -> None:
    other = copy_checkout(tmp_path / "other")
    clean("up", "--topology", "pair")
    since = clean.status()["since"]
    refusal = " ".join(other.fails("up", "--topology", "pair").split())
    assert f"topology pair of {clean.checkout}, up since {since}" in refusal
    assert str(clean.checkout) in other.fails("down")
    assert "a lab is alive" in clean.fails("up", "--topology", "data")
    assert [row["ssh"] for row in clean.status()["hosts"]] == [True, True]

    cgroups.kill(INSTANCE.cgroup)
    assert "clear what the last lab left" in other("up", "--topology", "pair")
    assert other("ssh", "b1", "hostname") == "b1\n"
    other("down", "--purge")

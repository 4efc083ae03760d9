# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups: what is mounted, and the launcher."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.hosts import cgroups
from lab.hosts.cgroups import Hierarchy, parse_hierarchies

HYBRID = """\
/dev/vda / ext4 rw,relatime 0 0
tmpfs /sys/fs/cgroup tmpfs rw,relatime,mode=755 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,nodev,noexec,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,xattr,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime,nsdelegate 0 0
"""
UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime 0 0\n"


def test_hybrid_machine() -> None:
    found = parse_hierarchies(HYBRID)
    top = Path("/sys/fs/cgroup")
    assert found == [
        Hierarchy(top / "cpu,cpuacct", ("cpu", "cpuacct"), unified=False),
        Hierarchy(top / "systemd", ("name=systemd",), unified=False),
        Hierarchy(top / "unified", (), unified=True),
    ]
    assert not cgroups.is_unified_only(found)


def test_unified_machine() -> None:
    found = parse_hierarchies(UNIFIED)
    assert found == [Hierarchy(Path("/sys/fs/cgroup"), (), unified=True)]
    assert cgroups.is_unified_only(found)


@pytest.fixture(name="tree")
def fixture_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that stands for one cpuset and one unified hierarchy."""
    for name in ("cpuset", "unified"):
        (tmp_path / name).mkdir()
    (tmp_path / "cpuset/cpuset.cpus").write_text("0-1\n")
    (tmp_path / "cpuset/cpuset.mems").write_text("0\n")
    found = [
        Hierarchy(tmp_path / "cpuset", ("cpuset",), unified=False),
        Hierarchy(tmp_path / "unified", (), unified=True),
    ]
    monkeypatch.setattr(cgroups, "hierarchies", lambda: found)
    return tmp_path


def test_create_hands_processors_down_at_every_level(tree: Path) -> None:
    files = cgroups.create("lab/one/a1")
    assert files == [
        tree / "cpuset/lab/one/a1/cgroup.procs",
        tree / "unified/lab/one/a1/cgroup.procs",
    ]
    for level in ("lab", "lab/one", "lab/one/a1"):
        assert (tree / "cpuset" / level / "cpuset.cpus").read_text() == "0-1\n"
        assert (tree / "cpuset" / level / "cpuset.mems").read_text() == "0\n"


def test_processes_are_those_of_the_cgroup_and_below_in_all_hierarchies(tree: Path) -> None:
    for path, text in {
        "cpuset/lab/a/cgroup.procs": "7\n8\n",
        "unified/lab/a/inner/cgroup.procs": "8\n9\n0\n",
        "unified/other/cgroup.procs": "10\n",
    }.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    assert cgroups.processes("lab") == {7, 8, 9}
    assert cgroups.processes("absent") == set()


def test_launcher_enters_every_cgroup_before_the_program_starts(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two words"]
    argv = cgroups.launch_argv(files, ["sh", "-c", "echo $$ $1", "name", "an argument"])
    pid, _, rest = subprocess.run(
        argv, capture_output=True, text=True, check=True
    ).stdout.partition(" ")
    assert rest == "an argument\n"
    assert [file.read_text().strip() for file in files] == [pid, pid]


def test_launcher_starts_nothing_outside_a_cgroup(tmp_path: Path) -> None:
    argv = cgroups.launch_argv(
        [tmp_path / "absent" / "cgroup.procs"], ["touch", str(tmp_path / "ran")]
    )
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode != 0
    assert not (tmp_path / "ran").exists()


def test_an_ordinary_process_is_no_namespace_init() -> None:
    assert not cgroups.is_namespace_init(1)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found of a dead lab, and the order in which it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.hosts.cleanup import Found, Step, lab_links, lab_mounts, plan
from lab.hosts.instance import Instance

MOUNTS = """\
/dev/vda / ext4 rw 0 0
/dev/loop3 /run/biomax-lab/default/disk btrfs rw 0 0
proc /home/u/.cache/biomax-platform/lab/build-default/mmdebstrap.x/proc proc rw 0 0
/dev/loop4 /run/biomax-lab/default-2/disk btrfs rw 0 0
/dev/vdb /srv/biomax-lab ext4 rw 0 0
tmpfs /run/biomax-lab/default/disk/a\\040b tmpfs rw 0 0
"""


def test_mounts_of_this_instance_only_latest_first() -> None:
    assert lab_mounts(MOUNTS, Instance()) == [
        Path("/run/biomax-lab/default/disk/a b"),
        Path("/home/u/.cache/biomax-platform/lab/build-default/mmdebstrap.x/proc"),
        Path("/run/biomax-lab/default/disk"),
    ]


def test_links_are_the_ports_of_the_bridge_then_the_bridge() -> None:
    machine = {"lo": "", "eth0": "", "lab0": "", "vb-cp1": "lab0", "vb-x": "br0", "br0": ""}
    assert lab_links(machine, Instance()) == ["vb-cp1", "lab0"]
    assert lab_links({"lo": ""}, Instance()) == []


WHOLE = Found(
    processes=3,
    cgroups=4,
    mounts=[Path("/run/biomax-lab/default/disk")],
    links=["vb-cp1", "lab0"],
    tables=[("inet", "biomax_lab")],
    nspawn_dirs=[Path("/run/systemd/nspawn/propagate/cp1")],
    run_dir=True,
    last_instance=True,
)


def test_processes_go_first_and_the_record_last() -> None:
    kinds = [step.kind for step in plan(WHOLE, Instance())]
    assert kinds == [
        "processes",
        "mount",
        "link",
        "link",
        "table",
        "cgroup",
        "directory",
        "sysctls",
        "directory",
    ]
    assert plan(WHOLE, Instance())[-1] == Step("directory", "/run/biomax-lab/default")


def test_nothing_found_is_nothing_to_do() -> None:
    assert plan(Found(last_instance=True), Instance()) == []


def test_kernel_settings_stay_while_another_instance_is_there() -> None:
    found = Found(run_dir=True, last_instance=False)
    assert [step.kind for step in plan(found, Instance())] == ["directory"]


@pytest.mark.parametrize("found", [Found(processes=1), Found(cgroups=1)])
def test_leftovers_without_a_record_are_found_too(found: Found) -> None:
    assert found.anything()
    assert plan(found, Instance())

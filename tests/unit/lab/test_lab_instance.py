# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that an instance owns on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.hosts.errors import LabError
from lab.hosts.instance import Instance, Paths
from lab.hosts.topology import MAX_NAME

IFNAMSIZ = 15  # linux/if.h: 16 with the closing zero


def test_default_names() -> None:
    default = Instance()
    assert (default.bridge, str(default.gateway)) == ("lab0", "10.77.0.1")
    assert default.nft_tables == ("biomax_lab", "biomax_lab_cut")
    assert default.link("cp1") == "vb-cp1"
    assert default.cgroup == "biomax-lab/default"


def test_a_second_instance_shares_nothing_with_the_default() -> None:
    first, second = Instance(), Instance("other")
    assert not first.network.overlaps(second.network)
    pairs = [
        (first.bridge, second.bridge),
        (first.nft_table, second.nft_table),
        (first.cgroup, second.cgroup),
        (first.run_dir, second.run_dir),
        (first.lock_file, second.lock_file),
        (first.link("cp1"), second.link("cp1")),
    ]
    assert all(one != two for one, two in pairs)


@given(st.from_regex(r"\A[a-z][a-z0-9-]{0,19}\Z"))
def test_links_fit_the_kernel(name: str) -> None:
    instance = Instance(name)
    assert len(instance.link("h" * MAX_NAME)) <= IFNAMSIZ
    assert 0 <= instance.number <= 254


@pytest.mark.parametrize("name", ["", "Upper", "1st", "a/b", "a b", "x" * 21])
def test_bad_instance_names_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="instance name"):
        Instance(name)


def test_runtime_directories() -> None:
    checkout, cache = Path("/src"), Path("/cache")
    assert Paths(checkout, cache, Instance()).ssh == Path("/src/.lab/ssh")
    assert Paths(checkout, cache, Instance("t")).ssh == Path("/src/.lab/instances/t/ssh")

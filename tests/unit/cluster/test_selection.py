"""Tags of a run choose components."""

from __future__ import annotations

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.selection import select

ALL = ["network", "dns", "probe"]


@pytest.mark.parametrize(
    ("tags", "skipped", "chosen"),
    [
        ([], [], ALL),
        (["all"], [], ALL),
        (["tagged"], [], ALL),
        (["deploy"], [], ALL),
        (["dns"], [], ["dns"]),
        (["probe", "network"], [], ["network", "probe"]),
        (["containerd"], [], []),
        (["all"], ["dns"], ["network", "probe"]),
        (["dns"], ["dns"], []),
    ],
)
def test_select(tags: list[str], skipped: list[str], chosen: list[str]) -> None:
    found, complete = select(ALL, tags, skipped, ["always", "deploy"])
    assert found == chosen
    assert complete is (chosen == ALL)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rulesets of the wall and of partitions."""

from __future__ import annotations

import json
import re

from lab.hosts.instance import Instance
from lab.hosts.network import parse_refused, partition_ruleset, wall_ruleset


def touched_tables(ruleset: str) -> set[str]:
    return set(re.findall(r"table \w+ (\w+)", ruleset))


def test_only_the_instance_own_tables_are_touched() -> None:
    for instance in (Instance(), Instance("other")):
        for ruleset in (
            wall_ruleset(instance, ["a1"]),
            partition_ruleset(instance, [["a1"]]),
            partition_ruleset(instance, []),
        ):
            assert touched_tables(ruleset) <= set(instance.nft_tables)
            assert "flush" not in ruleset


def test_wall_counts_what_leaves_by_every_host() -> None:
    ruleset = wall_ruleset(Instance(), ["cp1", "cp2"])
    assert (
        'iifname { "vb-cp1", "vb-cp2" } ip daddr != { 10.77.0.0/24, 224.0.0.0/4, 255.255.255.255 } '
        "jump outward"
    ) in ruleset


def test_a_group_is_cut_off_in_both_directions_and_whole_inside() -> None:
    ruleset = partition_ruleset(Instance(), [["cp1", "cp2"], ["db1"]])
    assert 'iifname { "vb-cp1", "vb-cp2" } oifname != { "vb-cp1", "vb-cp2" } drop' in ruleset
    assert 'oifname { "vb-cp1", "vb-cp2" } iifname != { "vb-cp1", "vb-cp2" } drop' in ruleset
    assert 'iifname { "vb-db1" } oifname != { "vb-db1" } drop' in ruleset
    assert "hook forward" in ruleset
    assert "hook input" not in ruleset  # the controller's own frames


def test_no_group_removes_the_table() -> None:
    table = "table bridge biomax_lab_cut"
    assert partition_ruleset(Instance(), []) == f"{table}\ndelete {table}\n"


def test_refused_packets_and_addresses_are_read() -> None:
    counter = {"counter": {"name": "to_outside", "packets": 3, "bytes": 180}}
    outside = {"set": {"name": "outside", "elem": ["198.51.100.9", "192.0.2.1"]}}
    empty = {"set": {"name": "outside"}}
    asked = {"set": {"name": "names_4", "elem": ["0x76578616d706c65036f726700000100"]}}
    listings = [json.dumps({"nftables": rows}) for rows in ([counter, outside, asked], [empty])]
    found = parse_refused(listings)
    assert found.packets == {"to_outside": 3}
    assert found.outside == ["192.0.2.1", "198.51.100.9"]
    assert found.names == ["example.org"]

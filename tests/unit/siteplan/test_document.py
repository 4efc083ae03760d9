# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan file: written and read again, for which run it is, what moved since."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    NotReadyError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan import document, progress
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.collect import collect_parts
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.compare import (
    check_origin,
    check_unmoved,
)

ORIGIN = document.Origin("north", "0123456789abcdef", "", ("all",), (), "0.1.0")
ROW: dict[str, Any] = {
    "role": "base_os",
    "kind": "file",
    "name": "/etc/hosts",
    "action": "change",
    "changes": True,
    "declared": "d",
    "observed": {"mode": "0644"},
}
PART = document.Part("host", "cp1", (ROW,), True, ("kubelet.service",), ("artifact",))
PLAN = document.SitePlan(ORIGIN, "2026-11-24T15:00:00Z", (PART,), True)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "plan.json"
    document.write(path, PLAN.document({"steps": 1}))
    assert document.read(path) == PLAN
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is no JSON"),
        ("[]", "its format is None, this release reads 1"),
        ('{"format": 2}', "its format is 2"),
        ('{"format": 1}', "it is damaged"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        document.read(path)


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.json: No such file.*playbooks/plan.yml"):
        document.read(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"site": "south"}, "it is for site north, this is south"),
        ({"inventory": "f" * 16}, "the inventory's files changed since it was made"),
        ({"limit": "cp1"}, "it was made with --limit none, this run has cp1"),
        ({"tags": ("containerd",)}, "it was made with --tags all, this run has containerd"),
        ({"skip_tags": ("mirror",)}, "with --skip-tags none, this run has mirror"),
        ({"collection": "0.2.0"}, "by collection version 0.1.0, this is 0.2.0"),
    ],
)
def test_a_plan_for_another_run_is_refused(other: dict[str, Any], words: str) -> None:
    now = replace(PLAN, origin=replace(ORIGIN, **other))
    with pytest.raises(InputError, match=words):
        check_origin(PLAN, now, "plan.json")
    check_origin(PLAN, PLAN, "plan.json")


def with_rows(*rows: dict[str, Any], host: str = "cp1") -> document.SitePlan:
    return replace(PLAN, parts=(replace(PART, rows=rows, host=host),))


def test_everything_that_moved_is_named_with_its_host() -> None:
    elsewhere = {**ROW, "observed": {"mode": "0600"}}
    with pytest.raises(UnsafeError, match=r"cp1: file /etc/hosts.*mode 0644.*mode 0600"):
        check_unmoved(PLAN, with_rows(elsewhere), "plan.json", under_way=False)
    with pytest.raises(UnsafeError, match=r"cp1: .*found nothing to do.*\| cp2: file /etc/hosts"):
        check_unmoved(PLAN, with_rows(ROW, host="cp2"), "plan.json", under_way=False)


def test_a_plan_that_is_applied_has_nothing_left_to_do() -> None:
    assert check_unmoved(PLAN, PLAN, "plan.json", under_way=False)
    assert not check_unmoved(PLAN, with_rows(), "plan.json", under_way=False)


def test_many_that_moved_are_counted() -> None:
    rows = [{**ROW, "name": f"/etc/{n}"} for n in range(50)]
    with pytest.raises(UnsafeError, match="and 11 more"):
        check_unmoved(PLAN, with_rows(*rows), "plan.json", under_way=False)


def test_a_part_that_the_plan_does_not_have_allows_nothing() -> None:
    approval = PLAN.approval("host", "cp9", "plan.json")
    with pytest.raises(UnsafeError, match="cp9: file /etc/hosts"):
        approval.verify([ROW])


def test_a_begun_plan_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text("one")
    assert not progress.is_begun(path)
    progress.begin(path)
    assert progress.is_begun(path)
    path.write_text("two")
    assert not progress.is_begun(path)


def test_times_of_phases_that_changed_something_stay(tmp_path: Path) -> None:
    progress.record_times(tmp_path, {"Join workers": 3.0, "Close the run": 1.0})
    progress.record_times(tmp_path, {"Join workers": 4.0})
    assert progress.recorded_times(tmp_path) == {"Join workers": 4.0, "Close the run": 1.0}
    (tmp_path / progress.TIMES).write_text("damaged")
    assert progress.recorded_times(tmp_path) == {}


def test_the_sum_of_an_inventory_is_that_of_its_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "group_vars").mkdir(parents=True)
        (tmp_path / name / "hosts.yml").write_text("all: {}")
        (tmp_path / name / "group_vars" / "all.yml").write_text("a: 1")
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert document.inventory_sum([one]) == document.inventory_sum([two])
    (tmp_path / "two" / ".hidden").write_text("editor")
    assert document.inventory_sum([one]) == document.inventory_sum([two])
    (tmp_path / "two" / "group_vars" / "all.yml").write_text("a: 2")
    assert document.inventory_sum([one]) != document.inventory_sum([two])
    assert document.inventory_sum(["a,b"]) != document.inventory_sum(["a,c"])


STEP = {"plan": [ROW], "deferred": False, "disruptive": []}


def test_parts_come_in_the_order_of_a_run() -> None:
    hostvars: dict[str, dict[str, Any]] = {
        "mirror1": {"site_bundle": STEP, "site_host_layer": STEP, "site_images": STEP},
        "cp1": {"site_host_layer": STEP, "cluster_membership_orders": {"steps": [ROW]}},
        "localhost": {"node_pools_reconciled": STEP, "site_components": {"skipped": True}},
    }
    parts = collect_parts(hostvars, ["mirror1", "cp1"], "localhost")
    assert [(part.name, part.host) for part in parts] == [
        ("bundle", "mirror1"),
        ("host", "mirror1"),
        ("host", "cp1"),
        ("images", "mirror1"),
        ("membership", "cluster"),
        ("node_pools", "cluster"),
    ]
    opened = {(part.name, part.host): part.open_kinds for part in parts if part.open_kinds}
    assert opened == {
        ("host", "mirror1"): ("artifact", "unit"),
        ("host", "cp1"): ("artifact", "unit"),
        ("images", "mirror1"): ("images",),
    }


def test_no_plan_is_made_around_a_host_that_did_not_answer() -> None:
    failed = {"failed": True, "msg": "no route to host"}
    with pytest.raises(NotReadyError, match="Planning host on cp1: no route to host"):
        collect_parts({"cp1": {"site_host_layer": failed}, "localhost": {}}, ["cp1"], "localhost")


def test_a_plan_file_is_plain_json() -> None:
    text = json.dumps(PLAN.document({}))
    assert json.loads(text)["parts"][0]["host"] == "cp1"

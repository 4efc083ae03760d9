# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a plan: phases in order, what is at stake, times, what needs a second approval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.callback.site_report import CallbackModule
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import (
    Origin,
    Part,
    SitePlan,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.page import page
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.phases import (
    Members,
    phases,
    quorum,
    summary,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.progress import (
    recorded_times,
)

ORIGIN = Origin("north", "0" * 16, "", ("all",), (), "0.1.0")
MEMBERS = Members(("mirror1",), ("cp1", "cp2", "cp3"), ("app1",))


def row(kind: str, name: str, action: str, **more: Any) -> dict[str, Any]:
    return {"role": "r", "kind": kind, "name": name, "action": action, "detail": "", **more}


PARTS = (
    Part("bundle", "mirror1", (row("bundle", "/srv", "transfer"),)),
    Part("host", "app1", (row("file", "/etc/hosts", "change"),)),
    Part("host", "cp1", (row("unit", "kubelet.service", "restart"),), True, ("kubelet.service",)),
    Part("membership", "cluster", (row("member", "cp2", "join"),)),
    Part(
        "components",
        "cluster",
        (row("Deployment", "ns/web", "update"), row("PodDisruptionBudget", "ns/web", "create")),
    ),
)
PLAN = SitePlan(ORIGIN, "2026-11-24T15:00:00Z", PARTS)


def text_of(plan: SitePlan, **times: float) -> str:
    return page(plan, phases(plan, MEMBERS, times), "plan.json")


def test_phases_come_in_the_order_of_a_run_with_what_is_at_stake() -> None:
    text = text_of(PLAN)
    titles = [line for line in text.splitlines() if line[1:3] == ". "]
    assert [title.split(":")[0] for title in titles] == [
        "1. the mirror",
        "2. the host layer of the members",
        "3. disruptive changes, one member at a time",
        "4. the cluster",
        "5. the platform's components",
    ]
    assert "2 of 3 members stay while one is out, 2 are needed: quorum holds" in text
    assert "Deployment ns/web" in text
    assert "disruption budgets: create ns/web" in text
    assert "restart unit kubelet.service" in text


def test_a_single_control_plane_is_said_to_lose_its_quorum() -> None:
    assert "QUORUM IS LOST MEANWHILE" in quorum(Members((), ("cp1",)))
    assert "QUORUM IS LOST MEANWHILE" in quorum(Members((), ("cp1", "cp2", "cp3"), (), ("cp3",)))


def test_an_estimate_is_one_only_when_every_phase_has_run_before() -> None:
    plan = replace(PLAN, parts=PARTS[:1])
    times = {"Fill and converge the mirror": 12.0}
    assert "about 12 s (estimate)" in page(plan, phases(plan, MEMBERS, times), "p")
    assert summary(plan, phases(plan, MEMBERS, times))["estimate_seconds"] == 12.0
    assert "no time is recorded" in text_of(plan)
    assert "There is no estimate for all of it" in text_of(plan)
    assert summary(PLAN, phases(PLAN, MEMBERS, times))["estimate_seconds"] is None


def test_what_needs_a_second_approval_is_named() -> None:
    later = Part("components", "cluster", (row("Service", "a", "create", derived=True),))
    plan = replace(PLAN, parts=(later,))
    assert "will stop for a second approval at: cluster: components" in text_of(plan)
    accepted = replace(plan, accept_derived=True)
    assert "whatever it turns out to be: cluster: components" in text_of(accepted)


def test_an_empty_plan_says_so() -> None:
    assert "Nothing to do: everything is as declared." in text_of(replace(PLAN, parts=()))


def test_a_plan_for_a_part_of_the_site_says_how_to_apply_it() -> None:
    some = replace(ORIGIN, limit="cp1", tags=("containerd",), skip_tags=("mirror",))
    text = text_of(replace(PLAN, origin=some))
    assert "--limit 'cp1' --tags containerd --skip-tags mirror -e plan_file=plan.json" in text


@pytest.mark.parametrize(("check", "kept"), [(False, ["Join workers"]), (True, [])])
def test_times_are_kept_of_phases_that_changed_something(
    tmp_path: Path, check: bool, kept: list[str]
) -> None:
    report = tmp_path / "report.json"
    report.write_text("{}")
    callback = CallbackModule()
    task = SimpleNamespace(check_mode=check)
    for name, result in (
        ("Preflight", {"changed": False}),
        ("Join workers", {"changed": True}),
        ("Verify the cluster", {"report_file": str(report)}),
    ):
        callback.v2_playbook_on_play_start(SimpleNamespace(get_name=lambda name=name: name))
        callback.v2_runner_on_ok(SimpleNamespace(result=result, task=task))
    callback.v2_playbook_on_stats(SimpleNamespace(processed={}, summarize=dict))
    assert [*recorded_times(tmp_path)] == kept

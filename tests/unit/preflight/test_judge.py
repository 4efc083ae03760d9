# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks together, and how their findings are shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_bundle import Need
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_variables import (
    ClosedList,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    Finding,
    errors,
    headline,
    report,
    sort_findings,
    table,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.judge import Seen, judge
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    Definition,
    Site,
)

from tests.unit.preflight.examples import all_facts

NEEDS = [Need("package", "runc", "", "containerd"), Need("file", "kubelet", "1.36.3", "node")]
MISTAKE = Finding("w1", "disk", "/: 1 MiB free", "9 MiB free", "free space")
DOUBT = Finding("cp1", "control-plane", "1 absent", "none", "replace it", "warning")


def test_a_clean_site_passes(bundled_site: Site, closed: ClosedList) -> None:
    assert judge(bundled_site, closed, Seen(facts=all_facts(), needs=NEEDS)) == []


def test_everything_is_reported_at_once(bundled_site: Site, closed: ClosedList) -> None:
    site = replace(
        bundled_site,
        groups={**bundled_site.groups, "kube_control_plane": ["cp1", "cp2"]},
        definitions=[Definition("kube_versio", "group all")],
        variables={**bundled_site.variables, "kube_pod_subnet": "192.0.2.0/25"},
    )
    facts = all_facts(w1={"memory_mib": 1}, m1={"etcd_data": True})
    del facts["cp2"]
    seen = Seen(
        facts=facts,
        unreached={"cp2": "No route to host"},
        needs=[*NEEDS, Need("file", "helm", "", "charts")],
        unreadable={"network": "'x' is undefined"},
    )
    found = {(item.host, item.check) for item in judge(site, closed, seen)}
    assert found == {
        ("(site)", "bundle"),
        ("(site)", "control-plane"),
        ("(site)", "networks"),
        ("(site)", "variables"),
        ("cp1", "networks"),
        ("cp2", "reachable"),
        ("m1", "leftovers"),
        ("m1", "networks"),
        ("cp3", "networks"),
        ("w1", "memory"),
        ("w1", "networks"),
    }


def test_without_a_bundle_the_other_checks_go_on(site: Site, closed: ClosedList) -> None:
    findings = judge(site, closed, Seen(facts=all_facts(w1={"memory_mib": 1}), needs=NEEDS))
    assert [(item.host, item.check) for item in findings] == [
        ("(site)", "bundle"),
        ("w1", "memory"),
    ]


@pytest.mark.parametrize(("broken", "count"), [("bundle_dir", 1), ("bundle_public_key", 1)])
def test_without_the_bundles_variables_only_they_are_named(
    bundled_site: Site, closed: ClosedList, broken: str, count: int
) -> None:
    variables = {**bundled_site.variables, broken: 7}
    findings = judge(replace(bundled_site, variables=variables), closed, Seen(needs=NEEDS))
    assert [item.check for item in findings] == ["variables"] * count


def test_findings_are_sorted_errors_first_and_stand_once() -> None:
    assert sort_findings([DOUBT, MISTAKE, MISTAKE]) == [MISTAKE, DOUBT]
    assert errors([DOUBT, MISTAKE]) == [MISTAKE]


def test_the_table_shows_every_fact_on_a_line() -> None:
    assert table([MISTAKE, DOUBT], 7) == (
        "Preflight of 7 hosts: 1 problem, 1 warning. Nothing was changed.\n"
        "\n"
        "  w1   disk\n"
        "       found   /: 1 MiB free\n"
        "       wanted  9 MiB free\n"
        "       to do   free space\n"
        "\n"
        "  cp1  control-plane (warning)\n"
        "       found   1 absent\n"
        "       wanted  none\n"
        "       to do   replace it"
    )


def test_the_headline_of_a_clean_site() -> None:
    assert headline([], 1) == ("Preflight of 1 host: 0 problems, 0 warnings. Nothing was changed.")


def test_the_report_passes_with_warnings_only() -> None:
    document = report([DOUBT], "lab", ["w1", "cp1"])
    assert (document["passed"], document["hosts"]) == (True, ["cp1", "w1"])
    assert document["findings"] == [
        {
            "host": "cp1",
            "check": "control-plane",
            "found": "1 absent",
            "wanted": "none",
            "action": "replace it",
            "level": "warning",
        }
    ]
    assert report([MISTAKE], "lab", [])["passed"] is False

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
    NotChecked,
    sort_findings,
    stops,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.judge import Seen, judge
from ansible_collections.biomax.platform.plugins.module_utils.preflight.page import (
    Outcome,
    document,
    headline,
    page,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    Definition,
    Site,
)

from tests.unit.preflight.examples import all_facts

NEEDS = [Need("package", "runc", "", "containerd"), Need("file", "kubelet", "1.36.3", "node")]
MISTAKE = Finding("w1", "disk/space", "/: 1 MiB free", "9 MiB free", "free space")
DOUBT = Finding("cp1", "control-plane/absent", "1 absent", "none", "replace it")


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
    found = {(item.host, item.check) for item in judge(site, closed, seen).findings}
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
    outcome = judge(site, closed, Seen(facts=all_facts(w1={"memory_mib": 1}), needs=NEEDS))
    assert [(item.host, item.id) for item in outcome.findings] == [
        ("(site)", "bundle/unusable"),
        ("w1", "memory/small"),
    ]
    (note,) = outcome.not_checked
    assert note.reason == "there is no bundle that can be used"


@pytest.mark.parametrize(("broken", "count"), [("bundle_dir", 1), ("bundle_public_key", 1)])
def test_without_the_bundles_variables_only_they_are_named(
    bundled_site: Site, closed: ClosedList, broken: str, count: int
) -> None:
    variables = {**bundled_site.variables, broken: 7}
    findings = judge(replace(bundled_site, variables=variables), closed, Seen(needs=NEEDS)).findings
    assert [item.check for item in findings] == ["variables"] * count


def test_findings_are_sorted_stops_first_and_stand_once() -> None:
    assert sort_findings([DOUBT, MISTAKE, MISTAKE]) == [MISTAKE, DOUBT]
    assert stops([DOUBT, MISTAKE]) == [MISTAKE]


def test_a_finding_that_the_catalogue_does_not_list_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="disk/colour is not in the catalogue"):
        Finding("w1", "disk/colour", "blue", "red", "paint it")


def test_the_page_shows_stops_first_and_equal_facts_once() -> None:
    others = [replace(MISTAKE, host=f"w{number}") for number in range(2, 12)]
    small = replace(MISTAKE, host="w20", found="/: 2 MiB free")
    notes = [NotChecked("w10", "time", "no server"), NotChecked("w9", "time", "no server")]
    outcome = Outcome(sort_findings([DOUBT, MISTAKE, small, *others]), ["w1"] * 7, notes)
    assert page(outcome) == (
        "Preflight of 7 hosts: 12 problems, 1 warning. Nothing was changed.\n"
        "\n"
        "STOP: correct these first\n"
        "\n"
        "  disk/space\n"
        "      found   w1, w2, w3, w4, w5, w6, w7, w8 and 3 more: /: 1 MiB free\n"
        "      found   w20: /: 2 MiB free\n"
        "      wanted  9 MiB free\n"
        "      to do   free space\n"
        "\n"
        "WARNING: the run goes on\n"
        "\n"
        "  control-plane/absent\n"
        "      found   cp1: 1 absent\n"
        "      wanted  none\n"
        "      to do   replace it\n"
        "\n"
        "NOT CHECKED\n"
        "  time (w9, w10): no server"
    )


def test_the_headline_of_a_clean_site() -> None:
    assert headline(Outcome([], ["w1"])) == (
        "Preflight of 1 host: 0 problems, 0 warnings. Nothing was changed."
    )


def test_the_document_has_stable_keys() -> None:
    note = NotChecked("w1", "time", "no server")
    said = document(Outcome([DOUBT], ["w1", "cp1"], [note], {"w1": {"cpus": 4}}), "lab")
    assert said == {
        "format": 2,
        "site": "lab",
        "hosts": ["cp1", "w1"],
        "passed": True,
        "findings": [
            {
                "host": "cp1",
                "id": "control-plane/absent",
                "check": "control-plane",
                "level": "warning",
                "found": "1 absent",
                "wanted": "none",
                "action": "replace it",
            }
        ],
        "not_checked": [{"host": "w1", "what": "time", "reason": "no server"}],
        "measured": {"w1": {"cpus": 4}},
    }
    assert document(Outcome([MISTAKE]), "lab")["passed"] is False

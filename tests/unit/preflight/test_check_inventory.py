# SPDX-License-Identifier: GPL-3.0-or-later
"""Each planted mistake of an inventory is found, named, and the only finding."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_inventory import (
    check_inventory,
)

from tests.unit.preflight.examples import ADDRESSES, VARIABLES, example_site


def test_a_clean_site_has_no_findings() -> None:
    assert check_inventory(example_site()) == []


def test_a_clean_site_in_ipv6_has_no_findings() -> None:
    addresses = {host: f"2001:db8::{text[8:]}" for host, text in ADDRESSES.items()}
    assert (
        check_inventory(
            example_site(
                addresses,
                host_networks=["2001:db8::/64"],
                kube_api_address="2001:db8::5",
                kube_pod_subnet="fd00:1::/56",
                kube_service_subnet="fd00:2::/112",
                kube_dns_address="fd00:2::a",
            )
        )
        == []
    )


def test_two_hosts_with_one_address_are_both_named() -> None:
    findings = check_inventory(example_site({"w1": "192.0.2.21"}))
    assert {(item.host, item.found) for item in findings} == {
        ("cp1", "address 192.0.2.21, which is also that of w1"),
        ("w1", "address 192.0.2.21, which is also that of cp1"),
    }


def test_one_address_is_recognised_in_another_spelling() -> None:
    site = example_site(
        {"cp1": "2001:db8::1", "cp2": "2001:db8:0:0::1"}, host_networks=["192.0.2.0/24", "::/0"]
    )
    assert {item.host for item in check_inventory(site)} == {"cp1", "cp2"}


def test_names_that_differ_in_case_are_one_name() -> None:
    site = example_site({"CP1": "192.0.2.41"}, {"mirror": ["m1", "CP1"]})
    found = [item.found for item in check_inventory(site)]
    assert "name cp1, which is also that of cp1" in found


@pytest.mark.parametrize(
    ("absent", "level"), [(["cp3"], "warning"), (["cp2", "cp3"], "stop"), (["w1"], None)]
)
def test_absent_members_are_a_warning_until_the_quorum_is_gone(
    absent: list[str], level: str | None
) -> None:
    findings = check_inventory(example_site(groups={"absent": absent}))
    assert [item.level for item in findings] == ([level] if level else [])
    assert all(", ".join(absent) in item.found for item in findings)


@pytest.mark.parametrize(
    "changes",
    [
        {"addresses": {"w1": "nonsense"}},
        {"host_networks": "192.0.2.0/24"},
        {"kube_pod_subnet": 7},
        {"kube_api_address": "192.0.2.500"},
        {"kube_dns_address": ["10.96.0.10"]},
        {"node_pools": ["application"]},
    ],
)
def test_a_wrong_type_is_left_to_the_check_of_variables(changes: dict[str, Any]) -> None:
    assert check_inventory(example_site(**changes)) == []


def test_a_worker_in_two_pools_is_told_both() -> None:
    pool = VARIABLES["node_pools"]["application"]
    (finding,) = check_inventory(example_site(node_pools={"application": pool, "other": pool}))
    assert finding.found == "in pools application, other"


def test_host_networks_overlap_too() -> None:
    (finding,) = check_inventory(example_site(host_networks=["192.0.2.0/24", "10.244.9.0/24"]))
    assert finding.found == "host_networks 10.244.9.0/24 overlaps kube_pod_subnet 10.244.0.0/16"

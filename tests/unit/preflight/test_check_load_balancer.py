# SPDX-License-Identifier: GPL-3.0-or-later
"""Address pools: silent on a clean site, each planted overlap is the only finding."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_load_balancer import (
    check_load_balancer,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_types import accepts

from tests.unit.preflight.examples import example_site


def pool(*addresses: str, name: str = "public") -> dict[str, Any]:
    return {"name": name, "addresses": list(addresses)}


@pytest.mark.parametrize(
    "pools",
    [
        [],
        [pool("192.0.2.200-192.0.2.219", "198.51.100.0/28")],
        [pool("192.0.2.200-192.0.2.209"), pool("192.0.2.210-192.0.2.219", name="partners")],
        [pool("2001:db8::100-2001:db8::1ff")],
    ],
)
def test_a_clean_site_has_no_findings(pools: list[dict[str, Any]]) -> None:
    assert list(check_load_balancer(example_site(load_balancer_pools=pools))) == []


@pytest.mark.parametrize(
    ("pools", "found"),
    [
        ([pool("192.0.2.31-192.0.2.40")], "holds address 192.0.2.31 of w1"),
        ([pool("192.0.2.4/30")], "holds kube_api_address 192.0.2.5"),
        ([pool("10.244.255.0-10.245.0.9")], "holds kube_pod_subnet 10.244.0.0/16"),
        ([pool("10.96.7.0/24")], "holds kube_service_subnet 10.96.0.0/12"),
        (
            [pool("192.0.2.200/29"), pool("192.0.2.207-192.0.2.210", name="partners")],
            "pool public (192.0.2.200/29) overlaps pool partners (192.0.2.207-192.0.2.210)",
        ),
        ([pool("192.0.2.200/29"), pool("192.0.2.208/29")], "pool public is declared 2 times"),
    ],
)
def test_a_planted_mistake_is_the_only_finding(pools: list[dict[str, Any]], found: str) -> None:
    findings = list(check_load_balancer(example_site(load_balancer_pools=pools)))
    assert [found in finding.found for finding in findings] == [True], findings
    assert findings[0].action.startswith("choose other addresses in load_balancer_pools")


@pytest.mark.parametrize("value", [None, "x", [1], [{"name": "x"}], [pool("nonsense")]])
def test_a_wrong_type_is_left_to_the_check_of_variables(value: Any) -> None:
    assert list(check_load_balancer(example_site(load_balancer_pools=value))) == []


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ([], True),
        ([pool("192.0.2.1-192.0.2.9")], True),
        ([{**pool("192.0.2.0/28"), "auto_assign": True}], True),
        ([{**pool("192.0.2.0/28"), "auto_assign": "no"}], False),
        ([{**pool("192.0.2.0/28"), "colour": "red"}], False),
        ([pool()], False),
        ([pool("192.0.2.9-192.0.2.1")], False),
        ([pool("192.0.2.9-2001:db8::1")], False),
        ([pool("192.0.2.9")], False),
        ([pool("192.0.2.0/28", name="Not A Label")], False),
    ],
)
def test_the_type_of_the_pools(value: Any, good: bool) -> None:
    assert accepts("address_pools", value) is good

# SPDX-License-Identifier: GPL-3.0-or-later
"""Unknown names, wrong values and lab-only settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_types import (
    accepts,
    expected,
    type_names,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_variables import (
    ClosedList,
    check_variables,
    parse_closed_list,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import Finding
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    Definition,
    Site,
)

from tests.unit.preflight.examples import SEALED, VARIABLES, example_site


def defining(name: str, site: Site | None = None) -> Site:
    """Return the clean site with one more variable defined."""
    base = site or example_site()
    extra = Definition(name, "host w1", "hosts.yml:9")
    return replace(base, definitions=[*base.definitions, extra])


def test_a_clean_site_has_no_findings(closed: ClosedList) -> None:
    assert check_variables(example_site(), closed) == []


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("kube_pod_subnett", "kube_pod_subnet"),
        ("node_adress", "node_address"),
        ("containerd_mirors", "containerd_mirrors"),
        ("colour", "a site variable, or a variable in the defaults of a role"),
    ],
)
def test_an_unknown_variable_gets_the_nearest_name(
    closed: ClosedList, name: str, wanted: str
) -> None:
    site = replace(defining(name), role_variables=frozenset({"containerd_mirrors"}))
    (finding,) = check_variables(site, closed)
    assert finding.found == f"unknown variable {name} (host w1, hosts.yml:9)"
    assert finding.wanted == wanted


@pytest.mark.parametrize(
    "name", ["ansible_user", "vault_token", "local_colour", "containerd_extra_resources"]
)
def test_names_that_are_free_or_declared_are_accepted(closed: ClosedList, name: str) -> None:
    site = replace(defining(name), role_variables=frozenset({"containerd_extra_resources"}))
    assert check_variables(site, closed) == []


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_site_variable_is_asked_for(closed: ClosedList, name: str) -> None:
    base = example_site()
    site = replace(base, variables={k: v for k, v in base.variables.items() if k != name})
    assert f"{name} is not set" in [item.found for item in check_variables(site, closed)]


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_every_site_variable_refuses_another_type(closed: ClosedList, name: str) -> None:
    changes: dict[str, Any] = {name: 7.5}
    site = example_site(**changes)
    findings = check_variables(site, closed)
    assert any(item.found.startswith(f"{name} is ") for item in findings)


def test_a_missing_host_variable_names_the_host(closed: ClosedList) -> None:
    base = example_site()
    site = replace(base, host_variables={**base.host_variables, "w1": {"failure_domain": "a"}})
    found = [(item.host, item.found) for item in check_variables(site, closed)]
    assert found == [("w1", "node_address is not set"), ("w1", "node_interface is not set")]


def test_a_value_that_cannot_be_read_gives_the_reason(closed: ClosedList) -> None:
    site = replace(example_site(), unreadable={("", "mirror_tls_key"): "no file keys/mirror.key"})
    (finding,) = check_variables(site, closed)
    assert finding.found == "mirror_tls_key cannot be read: no file keys/mirror.key"


def test_a_wrong_secret_is_not_shown(closed: ClosedList) -> None:
    (finding,) = check_variables(example_site(mirror_tls_key=["hidden"]), closed)
    assert finding.found == "mirror_tls_key is of another form (it is not shown)"


@pytest.mark.parametrize(
    ("name", "value", "harmless"),
    [
        ("kube_legacy_cgroup_enabled", True, False),
        ("kube_ignored_preflight_errors", ["Mem"], []),
        ("base_os_clock_is_shared", True, False),
        ("base_os_kernel_sysctl_runtime_enabled", False, True),
        ("containerd_restrict_oom_score_adj", True, False),
    ],
)
def test_lab_only_settings_stay_in_the_lab(
    closed: ClosedList, name: str, value: object, harmless: object
) -> None:
    def findings(**changes: Any) -> list[Finding]:
        site = replace(example_site(**changes), role_variables=frozenset(closed.role))
        return check_variables(site, closed)

    (finding,) = findings(**{name: value})
    assert (finding.check, finding.action) == ("lab-only", f"remove {name} from the inventory")
    assert findings(**{name: value, "site_sizing": "lab"}) == []
    assert findings(**{name: harmless}) == []


GOOD_AND_BAD: list[tuple[str, list[Any], list[Any]]] = [
    ("address", ["192.0.2.1", "2001:db8::1"], ["192.0.2.1/24", 1, "host"]),
    ("addresses", [[], ["192.0.2.1"]], ["192.0.2.1", ["x"]]),
    ("age_recipient", ["age1" + "q" * 58], ["age1", "AGE-SECRET-KEY-1"]),
    ("bool", [True, False], ["yes", 1, None]),
    ("domain", ["a.example.com"], ["example", "a..b", "A.example.com"]),
    ("label", ["cp1", "a-b"], ["", "A", "-a", "a" * 64]),
    ("list", [[], [1]], ["", {}]),
    ("network", ["10.0.0.0/8", "fd00::/48"], ["10.0.0.1/8", "10.0.0.1"]),
    ("networks", [["10.0.0.0/8"]], [[], "10.0.0.0/8"]),
    ("path", ["/srv/x"], ["srv/x", ""]),
    ("port", [1, 65535], [0, 65536, "443", True]),
    ("public_key", ["ssh-ed25519 AAAA comment"], ["-----BEGIN", "ssh-ed25519"]),
    ("secret", ["x"], ["", None]),
    ("sealed", [SEALED], ["AGE-SECRET-KEY-1", SEALED[:40], ""]),
    ("site_secret", ["A" * 43 + "="], ["A" * 44, "A" * 22 + "==", "", None]),
    ("text", ["x"], [" ", 1]),
    ("texts", [[], ["a"]], ["a", [1]]),
    ("version", ["1.36.3"], ["v1.36.3", 1.36, "1"]),
    ("mirrors", [VARIABLES["mirrors"]], [[], [{}], [{**VARIABLES["mirrors"][0], "url": "http:"}]]),
    (
        "pools",
        [{}, VARIABLES["node_pools"]],
        [[], {"A": {}}, {"a": {**VARIABLES["node_pools"]["application"], "max": 0}}],
    ),
    (
        "address_pools",
        [[], VARIABLES["load_balancer_pools"]],
        [{}, [{"name": "a"}], [{"name": "a", "addresses": ["192.0.2.9"]}]],
    ),
    ("certificate", [VARIABLES["mirror_ca_certificate"]], ["MIIB"]),
    ("pgp_key", [VARIABLES["bundle_apt_key"]], ["mQIN"]),
]


@pytest.mark.parametrize(
    ("kind", "good", "bad"), GOOD_AND_BAD, ids=[row[0] for row in GOOD_AND_BAD]
)
def test_types(kind: str, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not accepts(kind, value)] == []
    assert [value for value in bad if accepts(kind, value)] == []
    assert expected(kind)


def test_every_type_has_cases() -> None:
    assert {row[0] for row in GOOD_AND_BAD} | {"choice"} == set(type_names())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"cluster": {}}, "unknown sections"),
        ({"site": {"a": {"typ": "text"}}}, "a has unknown"),
        ({"site": {"a": {"type": "number", "description": "x"}}}, "a needs type, description"),
        ({"host": {"a": {"type": "text"}}}, "a needs type, description"),
    ],
)
def test_the_closed_list_is_read_strictly(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_closed_list(data)


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(InputError, match="No type 'number'"):
        accepts("number", 1)

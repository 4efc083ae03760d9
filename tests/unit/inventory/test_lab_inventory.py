# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab inventory resolves without a lab, and keeps the promises that roles build on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_inventory import (
    check_inventory,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_variables import (
    check_unknown,
    check_values,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.preflight_inventory import (
    read_closed_list,
)

from tests.unit.inventory.reading import LAB, ROOT, open_inventory, resolved

GROUP_VARS = sorted(LAB.glob("group_vars/*/*.yml"))
FROM_FILES = {
    "mirror_ca_certificate",
    "mirror_tls_certificate",
    "mirror_tls_key",
    "bundle_public_key",
    "bundle_apt_key",
    "escrow_recipient",
    "site_secret",
    "site_secret_sealed",
}


@pytest.fixture(scope="module")
def lab() -> tuple[Any, Any, dict[str, Any]]:
    return open_inventory(LAB)


def test_every_variable_is_declared(lab: tuple[Any, Any, dict[str, Any]]) -> None:
    closed = read_closed_list()
    site = lab[0].site(closed)
    assert len(site.definitions) > 40
    assert [item.found for item in check_unknown(site, closed)] == []


def test_every_value_has_its_type_but_for_files_that_a_lab_makes(
    lab: tuple[Any, Any, dict[str, Any]],
) -> None:
    closed = read_closed_list()
    found = [item.found for item in check_values(lab[0].site(closed), closed)]
    derived = {variable.name for variable in closed.site.values() if variable.derived}
    assert {text.split()[0] for text in found} <= FROM_FILES | derived
    assert all("cannot be read" in text for text in found)


def test_the_inventory_itself_has_no_findings(lab: tuple[Any, Any, dict[str, Any]]) -> None:
    assert check_inventory(lab[0].site(read_closed_list())) == []


def test_members_are_the_cluster() -> None:
    members = resolved("cp2", "kube_members")["kube_members"]
    assert [(item["name"], item["pool"]) for item in members] == [
        ("cp1", ""),
        ("cp2", ""),
        ("cp3", ""),
        ("app1", "application"),
        ("db1", "database"),
        ("ml1", "ml-inference"),
    ]


def test_the_controller_sees_the_same_members_as_a_host() -> None:
    names = ("kube_members", "kube_control_plane_members", "site_state_dir")
    assert resolved("localhost", *names) == resolved("ml1", *names)


def test_the_hosts_file_names_itself_endpoint_and_mirror_and_no_other_host() -> None:
    entries = resolved("app1", "site_hosts_entries")["site_hosts_entries"]
    names = {name: entry["address"] for entry in entries for name in entry["names"]}
    assert names["api.lab.biomax.internal"] == "10.77.0.5"
    assert names["mirror1.lab.biomax.internal"] == "10.77.0.10"
    assert names["app1.lab.biomax.internal"] == names["app1"] == "10.77.0.31"
    assert len(entries) == 3


def test_a_dead_control_plane_is_no_member_and_stays_declared(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(LAB, tmp_path / "lab"))
    hosts = (copy / "hosts.yml").read_text()
    (copy / "hosts.yml").write_text(hosts.replace("hosts: {}", "hosts: {cp1: {}}"))
    names = ("kube_control_plane_members", "kube_declared_control_planes", "site_hosts_entries")
    before, after = resolved("cp2", *names), resolved("cp2", *names, source=copy)
    assert [item["name"] for item in after[names[0]]] == ["cp2", "cp3"]
    assert after[names[1]] == before[names[1]] == before[names[0]]
    assert after[names[2]] == before[names[2]]


def test_a_group_variable_of_one_group_overrides_that_of_all() -> None:
    _, templar, variables = open_inventory(LAB, host="cp1")
    assert "base_os_time_local_stratum" not in variables
    assert templar.resolve_variable_expression("ansible_host") == "10.77.0.21"


@pytest.mark.parametrize("path", GROUP_VARS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_is_short_and_every_variable_has_a_comment_above_its_group(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 60
    for number, line in enumerate(lines):
        if re.match(r"[a-z_]+:", line):
            above = lines[:number]
            while above and above[-1] and not above[-1].startswith("#"):
                above.pop()  # a variable directly below another shares its comment
            assert above, f"{path.name}:{number + 1} has no comment"
            assert above[-1].startswith("#"), f"{path.name}:{number + 1} has no comment"


def test_secrets_stand_in_the_vault_file_only() -> None:
    for path in GROUP_VARS:
        names = yaml.safe_load(path.read_text())
        vaulted = [name for name in names if name.startswith("vault_")]
        assert bool(vaulted) is (path.name == "vault.yml")


def test_every_lab_only_role_variable_exists() -> None:
    for name in read_closed_list().role:
        defaults = [
            path
            for path in ROOT.glob("roles/*/defaults/main.yml")
            if name in (yaml.safe_load(path.read_text()) or {})
        ]
        assert len(defaults) == 1, name

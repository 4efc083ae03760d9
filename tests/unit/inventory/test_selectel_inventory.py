# SPDX-License-Identifier: GPL-3.0-or-later
"""The production example: complete, without findings, few decisions; read as a user reads it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.builder.keys import Mirror, make_keys
from tests.unit.inventory.reading import ROOT

SELECTEL = ROOT / "inventories/selectel"
LAB = ROOT / "inventories/lab"
BIN = Path(sys.executable).parent
PASSWORD = "correct horse"  # noqa: S105 - of a vault that lives as long as the test
# By variable: the file with its value, here any for what a provider would give.
SECRETS = {
    "vault_mirror_tls_key": "mirror.key",
    "vault_site_secret": "site-secret.txt",
    "vault_backup_store_access_key": "bundle_signing.pub",
    "vault_backup_store_secret_key": "apt.asc",
}
MAX_INPUTS = 40
DOCUMENTATION = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]


class Site:
    """A copy of the example with keys and, in its vault file, a really encrypted secret."""

    def __init__(self, base: Path) -> None:
        self.home, self.inventory = base / "home", base / "selectel"
        self.password = base / "password"
        self.state = self.home / "biomax-platform/selectel"
        self.keys = self.state / "keys"
        shutil.copytree(SELECTEL, self.inventory)
        make_keys(self.keys, [Mirror("mirror1.selectel.biomax.internal", "192.0.2.10")])
        self.password.write_text(PASSWORD)
        for name, file in SECRETS.items():
            encrypted = self.run(
                "ansible-vault",
                "encrypt_string",
                f"--vault-password-file={self.password}",
                f"--stdin-name={name}",
                text=(self.keys / file).read_text(),
            )
            with (self.inventory / "group_vars/all/vault.yml").open("a") as vault:
                vault.write(encrypted)

    def run(self, program: str, *arguments: str, text: str = "", home: Path | None = None) -> str:
        done = subprocess.run(
            [str(BIN / program), *arguments],
            cwd=ROOT,
            env={**os.environ, "HOME": str(home or self.home), "ANSIBLE_NOCOLOR": "1"},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def show(self, *arguments: str) -> dict[str, Any]:
        """Return what show_config found, as data."""
        result = self.home / "result.json"
        self.run(
            "ansible-playbook",
            "tests/unit/config/show_config.yml",
            f"--inventory={self.inventory}",
            f"--extra-vars=local_result={result}",
            f"--vault-password-file={self.password}",
            *arguments,
        )
        found: dict[str, Any] = json.loads(result.read_text())
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def shown(site: Site) -> dict[str, Any]:
    return site.show()


def rows_of(shown: dict[str, Any], host: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in [*shown["common"], *shown["hosts"][host]]}


def inputs(shown: dict[str, Any]) -> set[str]:
    rows = [*shown["common"], *(row for own in shown["hosts"].values() for row in own)]
    return {row["name"] for row in rows if row["origin"] == "input"}


def line_of(output: str, name: str) -> str:
    return next(line for line in output.splitlines() if f" {name} " in line)


def test_a_clone_without_password_and_keys_can_be_read_checked_and_shown(
    site: Site, tmp_path: Path
) -> None:
    inventory = f"--inventory={site.inventory}"
    listed = json.loads(site.run("ansible-inventory", inventory, "--list", home=tmp_path))
    assert len(listed["_meta"]["hostvars"]) == 12
    site.run("ansible-playbook", "playbooks/preflight.yml", inventory, "--syntax-check")
    output = site.run("ansible-playbook", "playbooks/show_config.yml", inventory, home=tmp_path)
    assert "unreadable" in line_of(output, "mirror_tls_key")
    assert f"{tmp_path}/biomax-platform/selectel/keys/mirror-ca.pem" in line_of(
        output, "mirror_ca_certificate"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / ".ansible"], "show_config wrote something"


def test_the_example_in_the_repository_holds_no_secret_and_is_readable() -> None:
    vault = yaml.safe_load((SELECTEL / "group_vars/all/vault.yml").read_text())
    assert vault == {
        "mirror_tls_key": "{{ vault_mirror_tls_key }}",
        "site_secret": "{{ vault_site_secret }}",
        "backup_gateway_store_access_key": "{{ vault_backup_store_access_key }}",
        "backup_gateway_store_secret_key": "{{ vault_backup_store_secret_key }}",
    }
    for path in SELECTEL.rglob("*.yml"):
        yaml.safe_load(path.read_text())  # a vault would need its password here


def test_preflight_finds_nothing_that_can_be_found_without_a_host(shown: dict[str, Any]) -> None:
    # A bundle is built, not written; the example has none.
    found = [item["found"] for item in shown["findings"] if item["check"] != "bundle"]
    assert found == []


def test_a_secret_is_shown_nowhere(site: Site) -> None:
    arguments = ["playbooks/show_config.yml", f"--inventory={site.inventory}", "-v"]
    password = f"--vault-password-file={site.password}"
    output = site.run("ansible-playbook", *arguments, password)
    key = (site.keys / "mirror.key").read_text().splitlines()[1]
    assert key not in output
    line = line_of(output, "mirror_tls_key")
    assert "derived" in line
    assert "(hidden)" in line


def test_a_person_decides_on_few_variables(shown: dict[str, Any]) -> None:
    assert len(inputs(shown)) <= MAX_INPUTS, sorted(inputs(shown))


def test_the_guide_lists_what_a_person_decides_on(shown: dict[str, Any]) -> None:
    guide = (ROOT / "docs/guide/new_site.md").read_text()
    table = guide.partition("| variable | decide |")[2].partition("\n\n")[0]
    names = {name for line in table.splitlines() for name in line.split("|")[1:2]}
    assert set(re.findall(r"`(\w+)`", " ".join(names))) == inputs(shown)


def test_every_value_says_where_it_comes_from(shown: dict[str, Any]) -> None:
    mirror, member = rows_of(shown, "mirror1"), rows_of(shown, "cp2")
    assert member["site_name"]["place"] == "group all, group_vars/all/site.yml:3"
    assert member["node_address"] == {
        "section": "site",
        "name": "node_address",
        "value": "192.0.2.22",
        "origin": "input",
        "place": "host cp2",
    }
    assert mirror["base_os_time_servers"]["origin"] == "input"
    assert mirror["base_os_time_servers"]["place"].startswith("group mirror, ")
    assert member["base_os_time_servers"]["origin"] == "derived"
    assert member["base_os_time_servers"]["value"] == ["192.0.2.10"]
    assert member["cluster_membership_settings"]["origin"] == "derived"
    assert member["containerd_concurrent_downloads"]["origin"] == "default"
    assert "cluster_dns_replicas" in member
    assert "mirror_port" in mirror


def test_the_command_line_and_the_limit_are_heeded(site: Site) -> None:
    limited = site.show("--limit=cp3", "--extra-vars=kube_api_port=9443")
    assert list(limited["hosts"]) == ["cp3"]
    port = rows_of(limited, "cp3")["kube_api_port"]
    assert (port["value"], port["origin"]) == ("9443", "command")
    assert rows_of(limited, "cp3")["api_endpoint_port"]["value"] == "9443"
    assert "kube_api_port is '9443'" in {item["found"] for item in limited["findings"]}


def test_every_variable_of_every_role_is_shown_for_some_host(shown: dict[str, Any]) -> None:
    rows = [*shown["common"], *(row for own in shown["hosts"].values() for row in own)]
    names = {row["name"] for row in rows}
    for defaults in ROOT.glob("roles/*/defaults/main.yml"):
        assert set(yaml.safe_load(defaults.read_text()) or {}) <= names, defaults.parents[1].name


def test_pools_and_racks_are_those_of_the_requirements(shown: dict[str, Any]) -> None:
    members = rows_of(shown, "app1")["kube_members"]["value"]
    pools = rows_of(shown, "app1")["node_pools"]["value"]
    counts = {name: sum(item["pool"] == name for item in members) for name in ("", *pools)}
    assert counts == {"": 3, "application": 3, "database": 3, "ml-inference": 2}
    bounds = {name: (pool["min"], pool["max"]) for name, pool in pools.items()}
    assert bounds == {"application": (3, 10), "database": (3, 3), "ml-inference": (2, 5)}
    for name in ("", *pools):
        racks = {item["failure_domain"] for item in members if item["pool"] == name}
        assert racks == {"rack-a", "rack-b"}, name or "control plane"


def test_every_address_is_for_documentation_or_inside_the_cluster() -> None:
    inside = [ip_network(text) for text in ("10.244.0.0/16", "10.96.0.0/12", "127.0.0.0/8")]
    for path in SELECTEL.rglob("*.yml"):
        for text in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", path.read_text()):
            assert any(ip_address(text) in net for net in [*DOCUMENTATION, *inside]), (path, text)


def test_it_has_the_files_of_the_lab_but_for_those_of_its_kernel() -> None:
    def names(inventory: Path) -> set[str]:
        return {str(path.relative_to(inventory)) for path in inventory.rglob("*.yml")}

    assert names(LAB) - names(SELECTEL) == {"group_vars/all/lab_kernel.yml"}
    assert names(SELECTEL) <= names(LAB)

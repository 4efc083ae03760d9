# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight reads of an inventory and of roles, through Ansible's loaders."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.authority import (
    kubeconfig_authority,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_bundle import Need
from ansible_collections.biomax.platform.plugins.plugin_utils.component_objects import (
    BundleManifests,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.preflight_inventory import (
    read_closed_list,
)

from tests.support.bundles import make_signer, write_bundle
from tests.unit.inventory.reading import LAB, open_inventory

NO_BUNDLE = BundleManifests("", "")
HOSTS = """
all:
  vars:
    site_name: example
  children:
    mirror:
      hosts:
        m1:
          node_address: 192.0.2.10
          failure_domain: "{{ undefined_thing }}"
          colour: blue
    absent:
      hosts: {}
"""
ROLE_DEFAULTS = """
web_packages: [nginx-light]
web_version: "{{ web_base }}.2"
web_base: "1"
web_pause_image: "registry.example.com/pause:{{ site_name }}"
"""
ROLE_RESOURCES = """
- packages: "{{ web_packages }}"
- packages: [snapd]
  state: absent
- artifact: registry
  version: "{{ web_version }}"
- file: /etc/web.conf
  content: "{{ not_known_on_the_controller }}"
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    source = tmp_path / "inventory"
    (source / "group_vars/all").mkdir(parents=True)
    (source / "host_vars").mkdir()
    (source / "hosts.yml").write_text(HOSTS)
    (source / "group_vars/all/site.yml").write_text("# names\nsite_domain: site.example.com\n")
    (source / "host_vars/m1.yml").write_text("node_interface: eth0\n")
    role = tmp_path / "roles/web"
    (role / "defaults").mkdir(parents=True)
    (role / "resources").mkdir()
    (role / "defaults/main.yml").write_text(ROLE_DEFAULTS)
    (role / "resources/main.yml").write_text(ROLE_RESOURCES)
    return source


def test_definitions_carry_scope_and_place(inventory: Path) -> None:
    reader, _, _ = open_inventory(inventory, "m1", inventory.parent / "roles")
    site = reader.site(read_closed_list())
    assert {item.name: (item.scope, item.place) for item in site.definitions} == {
        "site_name": ("group all", "hosts.yml:4"),
        "site_domain": ("group all", "group_vars/all/site.yml:2"),
        "node_address": ("host m1", "hosts.yml:9"),
        "failure_domain": ("host m1", "hosts.yml:10"),
        "colour": ("host m1", "hosts.yml:11"),
        "node_interface": ("host m1", "host_vars/m1.yml:1"),
    }


def test_values_are_resolved_and_what_cannot_be_has_a_reason(inventory: Path) -> None:
    reader, _, _ = open_inventory(inventory, "m1", inventory.parent / "roles")
    site = reader.site(read_closed_list())
    assert site.variables == {"site_name": "example", "site_domain": "site.example.com"}
    assert site.host_variables["m1"] == {"node_address": "192.0.2.10", "node_interface": "eth0"}
    assert "undefined_thing" in site.unreadable[("m1", "failure_domain")]
    assert "web_extra_resources" in site.role_variables
    assert "web_base" in site.role_variables


def test_needs_of_a_role_are_resolved_with_its_defaults(inventory: Path) -> None:
    reader, _, _ = open_inventory(inventory, "m1", inventory.parent / "roles")
    assert reader.needs(NO_BUNDLE) == (
        [
            Need("image", "registry.example.com/pause", "example", "web"),
            Need("package", "nginx-light", "", "web"),
            Need("file", "registry", "1.2", "web"),
        ],
        {},
    )


def test_a_role_that_cannot_be_read_gives_the_reason(inventory: Path) -> None:
    resources = inventory.parent / "roles/web/resources/main.yml"
    resources.write_text('- artifact: "{{ nowhere }}"\n')
    reader, _, _ = open_inventory(inventory, "m1", inventory.parent / "roles")
    needs, unreadable = reader.needs(NO_BUNDLE)
    assert "nowhere" in unreadable["web"]
    assert [need.kind for need in needs] == ["image"]


MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web}
spec: {template: {spec: {containers: [{name: web, image: "registry.example.com/web:v2"}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: debug, namespace: web}
spec: {containers: [{name: shell, image: "registry.example.com/shell:v1"}]}
"""
SELECTION = """
manifest: web
version: "{{ web_version }}"
leave_out: [{kind: Pod, name: debug}]
"""


def test_a_manifest_and_the_images_of_what_is_taken_are_needed(
    inventory: Path, tmp_path: Path
) -> None:
    objects = inventory.parent / "roles/web/objects"
    objects.mkdir()
    (objects / "web.manifest.yml.j2").write_text(SELECTION)
    signer = make_signer(tmp_path)
    write_bundle(tmp_path / "b", signer, {"manifests/web/1.2/web.yaml": MANIFEST.encode()})
    reader, _, _ = open_inventory(inventory, "m1", inventory.parent / "roles")
    manifest, image = Need("manifest", "web", "1.2", "web"), "registry.example.com/web"
    needs, unreadable = reader.needs(BundleManifests(str(tmp_path / "b"), signer.public))
    assert unreadable == {}
    assert {manifest, Need("image", image, "v2", "web")} <= set(needs)
    assert "registry.example.com/shell" not in {need.name for need in needs}
    # Without a usable bundle the manifest is still needed; what is in it cannot be told.
    needs, unreadable = reader.needs(NO_BUNDLE)
    assert unreadable == {}
    assert manifest in needs
    (objects / "web.manifest.yml.j2").write_text(SELECTION.replace("debug", "debgu"))
    _, unreadable = reader.needs(BundleManifests(str(tmp_path / "b"), signer.public))
    assert "leave_out names Pod debgu" in unreadable["web"]


def test_the_roles_of_the_collection_can_be_read() -> None:
    needs, unreadable = open_inventory(LAB)[0].needs(NO_BUNDLE)
    assert unreadable == {}
    assert {("file", "kubelet", "1.36.3"), ("image", "registry.k8s.io/pause", "3.10.2")} <= {
        (need.kind, need.name, need.version) for need in needs
    }
    assert {"runc", "haproxy", "keepalived", "chrony", "nginx-light"} <= {
        need.name for need in needs if need.kind == "package"
    }


@pytest.mark.parametrize(
    "document",
    [None, {}, {"clusters": []}, {"clusters": [{"cluster": {}}]}, {"clusters": [{"cluster": 7}]}],
)
def test_a_kubeconfig_without_an_authority_names_none(document: object) -> None:
    assert kubeconfig_authority(document) == ""

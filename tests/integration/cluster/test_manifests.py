"""Manifests of a signed bundle, through ansible-playbook, against a real API server."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError

from tests.support.bundles import Signer, make_signer, write_bundle

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - biomax.platform.cluster_state:
        components: [{component}]
        kubeconfig: {kubeconfig}
        bundle_dir: "{{{{ bundle }}}}"
        bundle_public_key: "{{{{ key }}}}"
        ready_seconds: 20
      register: done
    - ansible.builtin.copy:
        content: "{{{{ done | to_json }}}}"
        dest: {directory}/result.json
      check_mode: false
"""
# What a controller's generator writes: null times, a status, a definition before its namespace.
MANIFEST = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {creationTimestamp: null, name: PLURAL.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: KIND, plural: PLURAL, singular: PLURAL, listKind: KINDList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties: {size: {type: integer}}
status: {acceptedNames: {kind: "", plural: ""}, conditions: [], storedVersions: []}
---
apiVersion: v1
kind: Namespace
metadata: {name: NS}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: NS}
data: {colour: green, size: big}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: unwanted, namespace: NS}
data: {a: b}
"""
SELECTION = """
{% if demo_wanted | default(true) %}
manifest: demo
version: "1.0.0"
leave_out: [{kind: ConfigMap, name: unwanted}]
merge:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: settings, namespace: NS}
    data: {colour: "{{ demo_colour | default('blue') }}"}
{% endif %}
"""
RESOURCE = """
{% if demo_wanted | default(true) %}
apiVersion: example.org/v1
kind: KIND
metadata: {name: one, namespace: NS}
spec: {size: 3}
{% endif %}
"""


class Demo:
    """A role that takes a manifest of a bundle and adds an object of the kind that it defines."""

    def __init__(self, directory: Path, kubeconfig: Path, signer: Signer) -> None:
        mark = uuid.uuid4().hex[:8]
        self.directory, self.bundle, self.signer = directory, directory / "bundle", signer
        self.plural, self.namespace = f"things{mark}", f"m-{mark}"
        self.component = f"demo_{mark}"
        self.objects = directory / "roles" / self.component / "objects"
        self.objects.mkdir(parents=True)
        (self.objects / "all.manifest.yml.j2").write_text(self.filled(SELECTION))
        (self.objects / "resource.yml.j2").write_text(self.filled(RESOURCE))
        self.file = "manifests/demo/1.0.0/demo.yaml"
        write_bundle(self.bundle, signer, {self.file: self.filled(MANIFEST).encode()})
        values = {"component": self.component, "kubeconfig": kubeconfig, "directory": directory}
        (directory / "play.yml").write_text(PLAYBOOK.format(**values))
        self.output = ""

    def filled(self, text: str) -> str:
        text = text.replace("PLURAL", self.plural).replace("KIND", f"T{self.plural[1:]}")
        return text.replace("NS", self.namespace)

    def run(self, *arguments: str, expect: int = 0, **values: str) -> dict[str, Any]:
        given = {"bundle": str(self.bundle), "key": self.signer.public, **values}
        extra = f"--extra-vars={json.dumps(given)}"
        play = str(self.directory / "play.yml")
        command = ["ansible-playbook", "-i", "localhost,", "-c", "local", play, extra]
        done = subprocess.run(
            [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        self.output = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == expect, self.output
        result = self.directory / "result.json"
        found: dict[str, Any] = json.loads(result.read_text()) if not expect else {}
        return found


@pytest.fixture
def demo(tmp_path: Path, kubeconfig: Path) -> Iterator[Demo]:
    """A role, a bundle and a playbook; its namespace goes at the end."""
    made = Demo(tmp_path, kubeconfig, make_signer(tmp_path))
    yield made
    cleaner = open_client(str(kubeconfig))
    definition = f"{made.plural}.example.org"
    for path in (
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition}",
        f"/api/v1/namespaces/{made.namespace}",
    ):
        try:
            cleaner.delete(path, cleaner.get(path)["metadata"]["uid"])
        except MissingError:
            continue


def test_from_nothing_to_no_change(demo: Demo, client: KubeClient) -> None:
    predicted = demo.run("--check")
    applied = demo.run()
    assert [f"{row['action']} {row['kind']}" for row in applied["plan"]] == [
        "create Namespace",
        "create CustomResourceDefinition",
        "create ConfigMap",
        f"create T{demo.plural[1:]}",
    ]
    assert [row["name"] for row in applied["plan"]] == [row["name"] for row in predicted["plan"]]
    path = f"/api/v1/namespaces/{demo.namespace}/configmaps"
    assert client.get(f"{path}/settings")["data"] == {"colour": "blue", "size": "big"}
    with pytest.raises(MissingError):
        client.get(f"{path}/unwanted")
    again = demo.run()
    assert again["plan"] == []
    assert set(again["requests"]) == {"get", "total"}
    changed = demo.run("--check", demo_colour="red")
    assert [row["detail"] for row in changed["plan"]] == ['data.colour ("blue", wanted "red")']


def test_what_left_the_manifest_is_pruned(demo: Demo, client: KubeClient) -> None:
    demo.run()
    template = demo.objects / "all.manifest.yml.j2"
    template.write_text(template.read_text().split("merge:")[0].replace("unwanted", "settings"))
    template.write_text(template.read_text() + "{% endif %}\n")
    plan = demo.run()["plan"]
    assert [f"{row['action']} {row['name']}" for row in plan] == [
        f"create {demo.namespace}/unwanted",
        f"delete {demo.namespace}/settings",
    ]


def test_a_template_that_renders_to_nothing_needs_no_bundle(demo: Demo) -> None:
    assert demo.run("-e", '{"demo_wanted": false}', bundle="", key="")["plan"] == []
    demo.run(expect=2, bundle="", key="")
    assert "give the task bundle_dir and bundle_public_key" in demo.output


def test_a_flipped_byte_is_refused_and_nothing_is_applied(demo: Demo, client: KubeClient) -> None:
    path = demo.bundle / demo.file
    path.write_bytes(path.read_bytes().replace(b"green", b"greem"))
    demo.run(expect=2)
    assert "is not what the signed index lists for demo 1.0.0: expected sha256:" in demo.output
    with pytest.raises(MissingError):
        client.get(f"/api/v1/namespaces/{demo.namespace}")


def test_a_bundle_that_another_key_signed_is_refused(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    demo.run(expect=2, key=make_signer(tmp_path / "other").public)
    assert "does not hold" in demo.output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: settings", "name: setings", "merge names ConfigMap NS/setings, which is not in"),
        ("manifest: demo", "manifest: dem", "has no manifest dem version 1.0.0: nearest are demo"),
    ],
)
def test_a_misspelt_name_is_told(demo: Demo, old: str, new: str, message: str) -> None:
    template = demo.objects / "all.manifest.yml.j2"
    template.write_text(template.read_text().replace(old, new))
    demo.run(expect=2)
    assert demo.filled(message) in demo.output

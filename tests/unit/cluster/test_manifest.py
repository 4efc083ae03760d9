"""What a role takes from a manifest: left out, merged, and each misspelt name told."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.manifest import (
    Selection,
    images_of,
    parse_selection,
    select_objects,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

TEXT = """
apiVersion: v1
kind: Namespace
metadata: {creationTimestamp: null, name: web}
status: {phase: Active}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: web}
data: {colour: green, size: big}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web}
spec:
  replicas: 1
  template:
    metadata: {creationTimestamp: null, labels: {app: web}}
    spec:
      tolerations: [{key: a}, {key: b}]
      initContainers: [{name: first, image: "r.example.com/first:1"}]
      containers:
        - {name: web, image: "r.example.com/web:1", args: [a, b], env: [{name: A, value: "1"}]}
        - {name: side, image: "r.example.com/side:1"}
"""
HEAD = "{manifest: web, version: 1.0.0"


def chosen(more: str = "") -> Selection:
    found = parse_selection(f"{HEAD}{more}}}", "role/objects/web.manifest.yml.j2")
    assert found is not None
    return found


def merged(partial: str) -> dict[str, Any]:
    """Return the Deployment after a merge."""
    target = "apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: web}"
    objects = select_objects(TEXT, chosen(f", merge: [{{{target}, spec: {partial}}}]"))
    spec: dict[str, Any] = objects[2]["spec"]
    return spec


def test_everything_is_taken_without_what_only_a_server_writes() -> None:
    namespace, settings, deployment = select_objects(TEXT, chosen())
    assert namespace == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}}
    assert settings["data"] == {"colour": "green", "size": "big"}
    assert deployment["spec"]["template"]["metadata"] == {"labels": {"app": "web"}}


def test_defaults_inside_atomic_values_are_written_out() -> None:
    text = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: web}
webhooks: [{name: a.example.org, rules: [{resources: [webs]}, {scope: Cluster}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: web}
spec: {containers: [{name: w, env: [{name: N, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]}]}
"""
    webhook, pod = select_objects(text, chosen())
    assert webhook["webhooks"][0]["rules"] == [
        {"scope": "*", "resources": ["webs"]},
        {"scope": "Cluster"},
    ]
    field = pod["spec"]["containers"][0]["env"][0]["valueFrom"]["fieldRef"]
    assert field == {"apiVersion": "v1", "fieldPath": "spec.nodeName"}


def test_a_schema_that_describes_a_reference_stays_as_it_is() -> None:
    text = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: webs.example.org}
spec: {schema: {properties: {fieldRef: {type: object, properties: {fieldPath: {type: string}}}}}}
"""
    (item,) = select_objects(text, chosen())
    assert "apiVersion" not in item["spec"]["schema"]["properties"]["fieldRef"]


def test_nothing_rendered_means_nothing_taken() -> None:
    assert parse_selection("", "x") is None
    assert parse_selection("---\n# only a remark\n", "x") is None


def test_what_is_left_out_goes() -> None:
    objects = select_objects(TEXT, chosen(", leave_out: [{kind: ConfigMap, name: settings}]"))
    assert [item["kind"] for item in objects] == ["Namespace", "Deployment"]


def test_maps_merge_deep_and_other_lists_are_replaced() -> None:
    spec = merged("{replicas: 2, template: {spec: {tolerations: [{key: c}], hostNetwork: true}}}")
    assert spec["replicas"] == 2
    pod = spec["template"]["spec"]
    assert pod["tolerations"] == [{"key": "c"}]
    assert pod["hostNetwork"] is True
    assert len(pod["containers"]) == 2
    assert spec["template"]["metadata"]["labels"] == {"app": "web"}


def test_lists_of_named_maps_merge_by_name() -> None:
    rows = (
        "[{name: side, image: new}, {name: web, args: [c], env: [{name: B, value: x}]}, {name: z}]"
    )
    web, side, added = merged(f"{{template: {{spec: {{containers: {rows}}}}}}}")["template"][
        "spec"
    ]["containers"]
    assert web["args"] == ["c"]
    assert web["image"] == "r.example.com/web:1"
    assert web["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "x"}]
    assert side == {"name": "side", "image": "new"}
    assert added == {"name": "z"}


def test_null_removes_a_key() -> None:
    spec = merged("{replicas: null, strategy: {type: Recreate, rollingUpdate: null}}")
    assert "replicas" not in spec
    assert spec["strategy"] == {"type": "Recreate"}


def test_the_selection_and_the_manifest_stay_as_they_are() -> None:
    selection = chosen(
        ", merge: [{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: web}, "
        "data: {colour: red}}]"
    )
    before = yaml.safe_dump(list(selection.merge))
    first, second = select_objects(TEXT, selection), select_objects(TEXT, selection)
    assert first == second
    first[1]["data"]["colour"] = "blue"
    assert yaml.safe_dump(list(selection.merge)) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ", leave_out: [{kind: Deployment, name: wbe}]",
            "Deployment wbe, which is not in manifest",
        ),
        (", leave_out: [{kind: ConfigMap, name: settings, namespace: other}]", "not in manifest"),
        (
            ", merge: [{apiVersion: apps/v1, kind: Deployment, "
            "metadata: {name: wbe, namespace: web}}]",
            r"merge names Deployment web/wbe.*Did you mean 'Deployment web/web'",
        ),
        (
            ", merge: [{apiVersion: apps/v1, kind: Deploymnet, "
            "metadata: {name: web, namespace: web}}]",
            "merge names Deploymnet web/web, which is not in manifest web 1.0.0",
        ),
        (
            ", merge: [{apiVersion: v1, kind: Deployment, metadata: {name: web, namespace: web}}]",
            "merge names Deployment web/web, which is not",
        ),
    ],
)
def test_a_misspelt_target_is_named(more: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        select_objects(TEXT, chosen(more))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "one document with manifest and version"),
        (f"{HEAD}}}\n---\n{HEAD}}}", "one document"),
        ("{manifest: web}", "version missing"),
        (f"{HEAD}, megre: []}}", "unknown key 'megre'. Did you mean 'merge'"),
        (f"{HEAD}, merge: {{}}}}", "merge is {}, wanted list"),
        ("{manifest: web, version: 1.0}", "version is 1.0, wanted str"),
        (f"{HEAD}, leave_out: [{{kind: Pod}}]}}", "wanted kind and name"),
        (f"{HEAD}, leave_out: [{{kind: Pod, nmae: x, name: y}}]}}", "wanted kind and name"),
        (f"{HEAD}, merge: [{{kind: Pod, metadata: {{name: x}}}}]}}", "merge: an object has no api"),
    ],
)
def test_a_selection_of_the_wrong_shape_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_selection(text, "role/objects/web.manifest.yml.j2")


def test_rows_that_share_a_name_cannot_be_merged() -> None:
    text = TEXT.replace("name: side", "name: web")
    target = "apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: web}"
    change = "spec: {template: {spec: {containers: [{name: web}]}}}"
    with pytest.raises(InputError, match="the manifest has a name twice"):
        select_objects(text, chosen(f", merge: [{{{target}, {change}}}]"))


def test_images_of_all_containers_are_found() -> None:
    objects = select_objects(TEXT, chosen())
    assert images_of(objects) == {f"r.example.com/{name}:1" for name in ("first", "web", "side")}

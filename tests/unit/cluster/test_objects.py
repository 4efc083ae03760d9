"""Rendered text becomes complete, labelled, ordered objects, or a clear refusal."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import (
    BUILTIN,
    kinds_of_definitions,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    COMPONENT_LABEL,
    Component,
    finish,
    parse_objects,
    refuse_duplicates,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError


def build(kind: str, name: str = "x", namespace: str = "default", **more: Any) -> dict[str, Any]:
    versions = {row[1]: row[0] for row in BUILTIN}
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": versions[kind], "kind": kind, "metadata": metadata, **more}


def test_documents_lists_and_dates() -> None:
    text = """
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: default}
data: {day: 2026-01-01, port: "80"}
---
---
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Namespace, metadata: {name: b}}
"""
    first, second = parse_objects(text, "t")
    assert first["data"] == {"day": "2026-01-01", "port": "80"}
    assert second["metadata"]["name"] == "b"
    assert parse_objects("", "t") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not valid YAML"),
        ("{a: 1, a: 2}", "stands twice"),
        ("just text", "expected an object"),
        ("{kind: X, metadata: {name: y}}", "no apiVersion"),
        ("{apiVersion: v1, metadata: {name: y}}", "no kind"),
        ("{apiVersion: v1, kind: Pod, metadata: {generateName: y-}}", "no metadata.name"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: y}, status: {}}", "declares a status"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_objects(text, "demo/objects/x.yml.j2")


def test_order_is_by_kind_and_then_as_written() -> None:
    component = finish(
        "demo",
        [
            build("Deployment"),
            build("ConfigMap", "b"),
            build("ConfigMap", "a"),
            build("CustomResourceDefinition", namespace=""),
            build("Namespace", namespace=""),
        ],
        BUILTIN,
    )
    found = [(item["kind"], item["metadata"]["name"]) for item in component.objects]
    assert found == [
        ("Namespace", "x"),
        ("CustomResourceDefinition", "x"),
        ("ConfigMap", "b"),
        ("ConfigMap", "a"),
        ("Deployment", "x"),
    ]
    assert all(
        item["metadata"]["labels"] == {COMPONENT_LABEL: "demo"} for item in component.objects
    )


def test_the_declaration_itself_is_not_changed() -> None:
    item = build("ConfigMap")
    finish("demo", [item], BUILTIN)
    assert "labels" not in item["metadata"]


def test_secret_text_becomes_data() -> None:
    item = build("Secret", stringData={"key": "value"}, data={"other": "eA=="})
    (found,) = finish("demo", [item], BUILTIN).objects
    assert "stringData" not in found
    assert found["data"] == {"other": "eA==", "key": base64.b64encode(b"value").decode()}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (build("ConfigMap", namespace=""), "needs metadata.namespace"),
        (build("Namespace"), "cannot have a namespace"),
        ({"apiVersion": "a/v1", "kind": "B", "metadata": {"name": "x"}}, "neither the API server"),
        (
            {**build("ConfigMap"), "metadata": {"name": "x", "namespace": "y",
             "labels": {COMPONENT_LABEL: "other"}}},
            "carries platform.biomax.ai/component=other",
        ),
    ],
)  # fmt: skip # the label table reads better on two lines
def test_wrong_objects(item: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        finish("demo", [item], BUILTIN)


def test_duplicates_name_both_places() -> None:
    one = Component("one", (build("ConfigMap"),))
    with pytest.raises(
        InputError, match="ConfigMap default/x is declared twice: in one and in two"
    ):
        refuse_duplicates([one, Component("two", one.objects)])
    with pytest.raises(InputError, match="Component one is listed twice"):
        refuse_duplicates([one, Component("one")])


def test_kinds_of_definitions() -> None:
    definition = {
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1"}, {"name": "v2"}],
        },
    }
    kinds = kinds_of_definitions([definition, build("ConfigMap")])
    assert set(kinds) == {("example.org/v1", "Thing"), ("example.org/v2", "Thing")}
    path = kinds[("example.org/v1", "Thing")].object_path("a", "ns")
    assert path == "/apis/example.org/v1/namespaces/ns/things/a"
    with pytest.raises(InputError, match="lacks group, names, scope or versions"):
        kinds_of_definitions([{"kind": "CustomResourceDefinition", "spec": {"group": "x"}}])


def test_core_kinds_have_the_short_root() -> None:
    assert BUILTIN[("v1", "Namespace")].object_path("a") == "/api/v1/namespaces/a"
    assert BUILTIN[("v1", "Secret")].list_path() == "/api/v1/secrets"

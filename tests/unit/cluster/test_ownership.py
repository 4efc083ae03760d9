"""A difference is never missed, and what the server added is no difference."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import MANAGER
from ansible_collections.biomax.platform.plugins.module_utils.cluster.ownership import (
    applied_fields,
    differences,
)

WANTED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "args": ["--a", "--b"],
                        "ports": [{"containerPort": 80}],
                        "resources": {"requests": {"cpu": "1000m", "memory": "1Gi"}},
                    }
                ]
            }
        },
    },
}

# As kube-apiserver 1.36 returns it, cut to what matters: defaults are spelt out, the port's key
# holds the defaulted protocol, `args` is atomic, quantities are in canonical form.
LIVE: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "web",
        "namespace": "default",
        "labels": {"app": "web", "added-by": "somebody"},
        "managedFields": [
            {
                "manager": MANAGER,
                "operation": "Apply",
                "apiVersion": "apps/v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:metadata": {"f:labels": {"f:app": {}}},
                    "f:spec": {
                        "f:replicas": {},
                        "f:template": {
                            "f:spec": {
                                "f:containers": {
                                    'k:{"name":"web"}': {
                                        ".": {},
                                        "f:name": {},
                                        "f:image": {},
                                        "f:args": {},
                                        "f:ports": {
                                            'k:{"containerPort":80,"protocol":"TCP"}': {
                                                ".": {},
                                                "f:containerPort": {},
                                            }
                                        },
                                        "f:resources": {
                                            "f:requests": {"f:cpu": {}, "f:memory": {}}
                                        },
                                    }
                                }
                            }
                        },
                    },
                },
            },
            {
                "manager": "kube-controller-manager",
                "operation": "Update",
                "apiVersion": "apps/v1",
                "subresource": "status",
                "fieldsV1": {"f:status": {"f:replicas": {}}},
            },
        ],
    },
    "spec": {
        "replicas": 2,
        "revisionHistoryLimit": 10,
        "template": {
            "spec": {
                "restartPolicy": "Always",
                "containers": [
                    {"name": "sidecar", "image": "sidecar:9"},
                    {
                        "name": "web",
                        "image": "web:1",
                        "args": ["--a", "--b"],
                        "ports": [{"containerPort": 80, "protocol": "TCP"}],
                        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
                        "imagePullPolicy": "IfNotPresent",
                    },
                ],
            }
        },
    },
    "status": {"replicas": 2},
}


def container(item: dict[str, Any]) -> dict[str, Any]:
    containers: list[dict[str, Any]] = item["spec"]["template"]["spec"]["containers"]
    return next(entry for entry in containers if entry["name"] == "web")


def test_defaults_foreign_labels_and_quantities_are_no_difference() -> None:
    assert differences(WANTED, LIVE) == []


def set_replicas(item: dict[str, Any]) -> None:
    item["spec"]["replicas"] = 3


def change_image(item: dict[str, Any]) -> None:
    container(item)["image"] = "web:2"


def drop_argument(item: dict[str, Any]) -> None:
    container(item)["args"].pop()


def add_port(item: dict[str, Any]) -> None:
    container(item)["ports"].append({"containerPort": 81})


def drop_ports(item: dict[str, Any]) -> None:
    del container(item)["ports"]


def drop_label(item: dict[str, Any]) -> None:
    del item["metadata"]["labels"]["app"]


def raise_memory(item: dict[str, Any]) -> None:
    container(item)["resources"]["requests"]["memory"] = "2048Mi"


def rename_container(item: dict[str, Any]) -> None:
    container(item)["name"] = "web2"


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (set_replicas, "spec.replicas (2, wanted 3)"),
        (change_image, '("web:1", wanted "web:2")'),
        (drop_argument, '(["--a", "--b"], wanted ["--a"])'),
        (add_port, 'ports.[] (absent, wanted {"containerPort": 81})'),
        (drop_ports, "ports (no longer wanted)"),
        (drop_label, "metadata.labels.app (no longer wanted)"),
        (raise_memory, '("1Gi", wanted "2048Mi")'),
    ],
)
def test_a_changed_declaration_is_seen(edit: Callable[[dict[str, Any]], None], path: str) -> None:
    wanted = copy.deepcopy(WANTED)
    edit(wanted)
    found = differences(wanted, LIVE)
    assert len(found) == 1
    assert path in found[0]


def test_a_renamed_list_item_is_one_gone_and_one_new() -> None:
    wanted = copy.deepcopy(WANTED)
    rename_container(wanted)
    gone, new = differences(wanted, LIVE)
    assert "no longer wanted" in gone
    assert "absent" in new


@pytest.mark.parametrize("edit", [set_replicas, change_image, drop_argument, raise_memory])
def test_a_changed_live_object_is_seen(edit: Callable[[dict[str, Any]], None]) -> None:
    live = copy.deepcopy(LIVE)
    edit(live)
    assert len(differences(WANTED, live)) == 1


def test_a_field_that_another_manager_took_is_seen() -> None:
    live = copy.deepcopy(LIVE)
    del live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:replicas"]
    assert differences(WANTED, live) == ["spec.replicas (2, wanted 2)"]


def test_an_item_that_vanished_from_a_live_list_is_seen() -> None:
    live = copy.deepcopy(LIVE)
    live["spec"]["template"]["spec"]["containers"].pop()
    assert "absent" in differences(WANTED, live)[0]


def test_an_object_that_we_never_applied_differs() -> None:
    live = copy.deepcopy(LIVE)
    live["metadata"]["managedFields"] = live["metadata"]["managedFields"][1:]
    assert differences(WANTED, live) == ["not applied by biomax.platform yet"]


def test_another_api_version_differs() -> None:
    live = copy.deepcopy(LIVE)
    live["metadata"]["managedFields"][0]["apiVersion"] = "apps/v1beta1"
    assert differences(WANTED, live) == ["applied as apps/v1beta1, wanted apps/v1"]


def test_what_we_own_of_the_status_does_not_count() -> None:
    live = copy.deepcopy(LIVE)
    live["metadata"]["managedFields"][0]["subresource"] = "status"
    assert applied_fields(live) == ("", {})


@pytest.mark.parametrize(
    ("wanted", "live", "fields", "expected"),
    [
        # A set of values, as in finalizers.
        (["a", "b"], ["a", "b", "c"], {'v:"a"': {}, 'v:"b"': {}}, 0),
        (["a"], ["a", "b"], {'v:"a"': {}, 'v:"b"': {}}, 1),
        (["a", "b"], ["a"], {'v:"a"': {}}, 1),
        # An atomic map, as in selectors.
        ({"x": "1"}, {"x": "1"}, {}, 0),
        ({"x": "1"}, {"x": "1", "y": "2"}, {}, 1),
        # True is not 1, text is not a number.
        (True, 1, {}, 1),
        ("80", 80, {}, 1),
        ("a\nb", "a\nc", {}, 1),
        (None, None, {}, 1),
    ],
)
def test_lists_maps_and_scalars(wanted: Any, live: Any, fields: Any, expected: int) -> None:
    def build(value: Any) -> dict[str, Any]:
        metadata = {"name": "x", "labels": {"a": "b"}}
        return {"apiVersion": "v1", "kind": "X", "metadata": metadata, "spec": {"f": value}}

    observed = build(live)
    observed["metadata"]["managedFields"] = [
        {
            "manager": MANAGER,
            "operation": "Apply",
            "apiVersion": "v1",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:f": fields}},
        }
    ]
    assert len(differences(build(wanted), observed)) == expected

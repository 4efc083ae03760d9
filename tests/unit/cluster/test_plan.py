"""What is planned, and above all what is never deleted."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    COMPONENT_LABEL,
    MANAGER,
    Ref,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.plan import (
    Change,
    judge,
    meaningful,
    orphans,
)


def live(kind: str = "ConfigMap", name: str = "old", component: str = "demo") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": "u",
            "resourceVersion": "7",
            "labels": {COMPONENT_LABEL: component},
            "managedFields": [
                {
                    "manager": MANAGER,
                    "operation": "Apply",
                    "apiVersion": "v1",
                    "fieldsV1": {"f:data": {}},
                }
            ],
        },
        "data": {"a": "1"},
    }


def copied_label(item: dict[str, Any]) -> None:
    item["metadata"]["managedFields"][0]["manager"] = "endpointslice-controller"


def owned(item: dict[str, Any]) -> None:
    item["metadata"]["ownerReferences"] = [{"kind": "Deployment"}]


def going(item: dict[str, Any]) -> None:
    item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"


def unlabelled(item: dict[str, Any]) -> None:
    item["metadata"]["labels"] = {}


def test_what_left_the_set_is_deleted() -> None:
    kept, gone = live(name="kept"), live()
    found, _ = orphans([kept, gone], [Ref.of(kept)], ["demo"], whole_platform=False)
    assert [item["metadata"]["name"] for item in found] == ["old"]


def test_other_components_go_only_when_the_run_holds_the_whole_platform() -> None:
    other = live(component="other")
    assert orphans([other], [], ["demo"], whole_platform=False) == ([], [])
    assert len(orphans([other], [], ["demo"], whole_platform=True)[0]) == 1


@pytest.mark.parametrize("edit", [copied_label, owned, going, unlabelled])
def test_what_is_not_ours_alone_stays(edit: Callable[[dict[str, Any]], None]) -> None:
    item = live()
    edit(item)
    assert orphans([item], [], ["demo"], whole_platform=True) == ([], [])


@pytest.mark.parametrize(
    "kind",
    [
        "Namespace",
        "CustomResourceDefinition",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Cluster",
    ],
)
def test_kinds_that_hold_data_stay_and_are_told(kind: str) -> None:
    deleted, kept = orphans([live(kind)], [], ["demo"], whole_platform=True)
    assert deleted == []
    assert [item["kind"] for item in kept] == [kind]


def test_judge() -> None:
    before = live()
    same = copy.deepcopy(before)
    same["metadata"]["resourceVersion"] = "8"
    same["status"] = {"seen": True}
    assert judge(before, same) == ""
    same["metadata"]["managedFields"][0]["fieldsV1"] = {"f:data": {"f:a": {}}}
    assert judge(before, same) == "own"
    same["data"]["a"] = "2"
    assert judge(before, same) == "update"


def test_diff_hides_secrets_and_noise() -> None:
    item = live("Secret")
    change = Change("demo", Ref.of(item), "create", item, {}, item)
    shown = change.diff()
    assert shown["before"] == ""
    assert "sha256:6b86b273ff34fce1" in shown["after"]  # of "1"
    assert "resourceVersion" not in shown["after"]
    assert shown["after_header"] == "demo: Secret default/old"
    assert item["data"] == {"a": "1"}
    assert change.row()["name"] == "default/old"


def test_diff_shows_text_line_by_line() -> None:
    item = live()
    item["data"] = {"file": "first\nsecond\n"}
    shown = Change("demo", Ref.of(item), "create", item, {}, item).diff()["after"]
    assert "  file: |\n    first\n    second\n" in shown


def test_meaningful_is_a_copy() -> None:
    item = live()
    meaningful(item)["data"]["a"] = "2"
    assert item["data"]["a"] == "1"

"""Why an object is not ready, from its pods and events."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    Reply,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    UnreachableError,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.explain import (
    explain,
    last_warnings,
    pod_troubles,
)


def pod(name: str, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"nodeName": "cp1"},
        "status": status,
    }


def test_pods_tell_their_trouble() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pods = [
        pod("fine", conditions=[{"type": "Ready", "status": "True"}]),
        pod("pulls", containerStatuses=[{"name": "c", "state": waiting}]),
        pod(
            "stuck",
            conditions=[{"type": "PodScheduled", "status": "False", "message": "no node fits"}],
        ),
        pod("young", phase="Pending"),
        pod("made-it-and-went", phase="Succeeded"),
    ]
    assert pod_troubles(pods) == [
        "pod ns/pulls on cp1: container c waits (ImagePullBackOff: no such image)",
        "pod ns/stuck on cp1: not scheduled (no node fits)",
        "pod ns/young on cp1: phase Pending, not ready",
    ]


def event(name: str, when: str, reason: str, kind: str = "Warning") -> dict[str, Any]:
    return {
        "involvedObject": {"name": name},
        "type": kind,
        "reason": reason,
        "message": "m",
        "lastTimestamp": when,
    }


def test_the_newest_warning_of_each_object() -> None:
    events = [
        event("a", "2", "New"),
        event("a", "1", "Old"),
        event("a", "3", "Fine", "Normal"),
        event("b", "3", "Other"),
        event("stranger", "9", "No"),
    ]
    assert last_warnings(events, ["a", "b"]) == ["b: Other: m", "a: New: m"]


class Broken:
    """Transport without a server."""

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        raise UnreachableError(f"{method} {path} {content_type} {body!r}: gone")


def test_it_never_hides_the_failure_that_it_explains() -> None:
    item = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "x", "namespace": "ns"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}},
    }
    assert explain(KubeClient(Broken(), 0.0), item) == ""


class Instance:
    """Transport of a database cluster with one pod that waits; no other selector finds it."""

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        assert (method, body) == ("GET", None), content_type
        asked = urlsplit(path)
        selector = parse_qs(asked.query).get("labelSelector", [""])[0]
        waits = {"waiting": {"reason": "CreateContainerConfigError"}}
        found = asked.path.endswith("/pods") and selector == "cnpg.io/cluster=postgresql"
        items = [pod("postgresql-1", containerStatuses=[{"name": "c", "state": waits}])]
        return Reply(200, json.dumps({"items": items if found else []}).encode())


def test_instances_of_a_database_tell_their_trouble() -> None:
    item = {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "postgresql", "namespace": "ns"},
        "spec": {"instances": 1},
    }
    assert explain(KubeClient(Instance(), 0.0), item) == (
        "pod ns/postgresql-1 on cp1: container c waits (CreateContainerConfigError)"
    )

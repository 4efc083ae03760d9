"""The look at every object of an API, which the proof of check mode stands on."""

from __future__ import annotations

import time

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import parse_objects
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import converge
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options

from tests.proofs.api_objects import Objects, differences, take

NAME = "check-mode-proof"
TEXT = """
apiVersion: v1
kind: Namespace
metadata: {{name: {name}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: {name}}}
data: {{colour: {colour}}}
"""


def run(client: KubeClient, colour: str, *, check: bool) -> bool:
    """Converge the two objects; return whether that changes something."""
    parsed = [("check_mode", parse_objects(TEXT.format(name=NAME, colour=colour), "test"))]
    result = converge(client, parsed, Options(ready_seconds=1.0), check=check)
    return bool(result["changed"])


def settled(client: KubeClient) -> Objects:
    """Take the objects when a server that has just started makes no more of its own."""
    seen = take(client)
    for _ in range(30):
        time.sleep(1.0)
        again = take(client)
        if not differences(seen, again):
            return again
        seen = again
    raise AssertionError("the API server still makes objects after 30 s")


def test_a_check_touches_no_object_and_a_run_is_seen(client: KubeClient) -> None:
    bare = settled(client)
    assert len({name.rpartition("/")[0] for name in bare}) > 5  # kinds with an object
    assert run(client, "green", check=True)
    assert differences(bare, take(client)) == []
    run(client, "green", check=False)
    made = differences(bare, take(client))
    assert f"api/v1/namespaces/{NAME}: made" in made
    assert f"api/v1/configmaps/{NAME}/settings: made" in made

    before = take(client)
    assert run(client, "blue", check=True)
    assert differences(before, take(client)) == []
    run(client, "blue", check=False)
    (line,) = differences(before, take(client))
    assert line.startswith(f"api/v1/configmaps/{NAME}/settings: changed in data.colour, ")
    assert "metadata.resourceVersion" in line

    found = take(client)[f"api/v1/namespaces/{NAME}"]
    client.delete(f"/api/v1/namespaces/{NAME}", found["metadata"]["uid"])

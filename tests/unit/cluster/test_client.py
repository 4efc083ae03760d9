"""The client: retries while the endpoint moves, typed errors, exact requests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import Access
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    ETCD_CHECK,
    HttpTransport,
    KubeClient,
    Pace,
    Reply,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    BusyError,
    ClusterError,
    ConflictError,
    MissingError,
    UnreachableError,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from urllib3.exceptions import ReadTimeoutError


class Script:
    """Transport that answers from a list and remembers what it was asked."""

    def __init__(self, *answers: Reply | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any, str]] = []

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        self.asked.append((method, path, json.loads(body) if body else None, content_type))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Time:
    """Clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def pace(self) -> Pace:
        return Pace(self.sleep, lambda: self.now)


def reply(code: int = 200, **body: Any) -> Reply:
    return Reply(code, json.dumps(body).encode())


def client(*answers: Reply | Exception) -> tuple[KubeClient, Script, Time]:
    script, time = Script(*answers), Time()
    return KubeClient(script, 5.0, time.pace()), script, time


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "ns"}}
GONE = UnreachableError("gone")


def test_the_endpoint_may_move() -> None:
    found, script, time = client(GONE, GONE, reply(503), reply(kind="Pod"))
    assert found.get("/api/v1/pods", labelSelector="a=b,c") == {"kind": "Pod"}
    assert script.asked[0][1] == "/api/v1/pods?labelSelector=a%3Db%2Cc"
    assert found.requests["get"] == 4
    assert time.now == pytest.approx(0.25 + 0.5 + 1.0)


def test_an_answer_that_never_came_is_asked_for_again() -> None:
    class Silent(Script):
        """Takes each request and is silent for as long as the client waits."""

        def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
            time.sleep(30.0)
            return super().send(method, path, body, content_type)

    time = Time()
    found = KubeClient(Silent(GONE, reply(kind="Pod")), 5.0, time.pace())
    assert found.get("/api/v1/pods") == {"kind": "Pod"}


class SlowPool:
    """Connections to a server that takes each request and answers only how its etcd is."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.data = status, text.encode()

    def request(self, _method: str, url: str, **_: Any) -> SlowPool:
        if url.endswith(ETCD_CHECK):
            return self
        raise ReadTimeoutError(cast(Any, None), url, "Read timed out.")


@pytest.mark.parametrize(
    ("status", "text", "end"),
    [
        (
            500,
            "error getting data from etcd\n",
            "; of its etcd it says: error getting data from etcd",
        ),
        (200, "ok", ""),
    ],
)
def test_a_server_that_takes_and_does_not_answer(status: int, text: str, end: str) -> None:
    class Slow(Access):
        def pool(self) -> Any:
            return SlowPool(status, text)

    transport = HttpTransport(Slow("https://api:8443", "", "", "", "", ""))
    with pytest.raises(UnreachableError) as caught:
        transport.send("GET", "/api/v1/pods", None, "")
    assert str(caught.value) == (
        "The Kubernetes API at https://api:8443 took GET /api/v1/pods and did not answer within "
        f"30 s{end}"
    )


def test_retries_end() -> None:
    found, _, time = client(*[GONE] * 20)
    with pytest.raises(UnreachableError):
        found.get("/livez")
    assert time.now <= 5.0


def test_apply_says_who_and_how() -> None:
    found, script, _ = client(reply(201, kind="Pod"), reply(kind="Pod"))
    assert found.apply("/p", POD, dry_run=True) == ({"kind": "Pod"}, True)
    assert found.apply("/p", POD, force=True) == ({"kind": "Pod"}, False)
    dry, real = script.asked
    assert dry == (
        "PATCH",
        "/p?fieldManager=biomax.platform&fieldValidation=Strict&dryRun=All",
        POD,
        "application/apply-patch+yaml",
    )
    assert real[1] == "/p?fieldManager=biomax.platform&fieldValidation=Strict&force=true"
    assert dict(found.requests) == {"dry_run": 1, "apply": 1}


def test_merge_and_delete() -> None:
    found, script, _ = client(reply(kind="Node"), reply())
    found.merge("/n", {"spec": {}})
    found.delete("/n", "uid-1")
    assert script.asked[0][3] == "application/merge-patch+json"
    assert script.asked[1][2] == {
        "propagationPolicy": "Background",
        "preconditions": {"uid": "uid-1"},
    }


def test_a_conflict_names_the_other_manager() -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "kubectl-edit" using v1',
        "field": ".data.a",
    }
    found, _, _ = client(reply(409, message="x", details={"causes": [cause]}))
    with pytest.raises(
        ConflictError, match=r"apply Pod ns/p: \.data\.a is owned by kubectl-edit"
    ) as caught:
        found.apply("/p", POD)
    assert [conflict.manager for conflict in caught.value.conflicts] == ["kubectl-edit"]


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (404, "not found", MissingError),
        (409, "version", ConflictError),
        (422, "spec.x: bad", ClusterError),
        (403, "forbidden", ClusterError),
    ],
)
def test_refusals_are_not_retried(code: int, message: str, error: type[Exception]) -> None:
    found, script, _ = client(reply(code, message=message))
    with pytest.raises(error, match=message):
        found.get("/x")
    assert len(script.asked) == 1


def test_busy_is_retried() -> None:
    busy = reply(500, message="etcdserver: leader changed")
    found, _, _ = client(busy, *[reply(429)] * 20)
    with pytest.raises(BusyError):
        found.get("/x")
    assert found.requests["get"] > 2


@pytest.mark.parametrize(
    ("code", "message"),
    [(401, "Unauthorized"), (403, 'nodes is forbidden: User "system:anonymous" cannot list it')],
)
def test_expired_access_names_the_cure(code: int, message: str) -> None:
    found, _, _ = client(reply(code, message=message))
    with pytest.raises(ClusterError, match=r"playbooks/form_cluster\.yml renews it"):
        found.get("/x")


def test_a_quota_is_not_taken_for_expired_access() -> None:
    found, _, _ = client(reply(403, message="exceeded quota: sizing"))
    with pytest.raises(ClusterError) as caught:
        found.get("/x")
    assert "form_cluster" not in str(caught.value)


def test_text_and_nonsense() -> None:
    found, _, _ = client(Reply(200, b"ok"), Reply(200, b"ok"), Reply(502, b"<html>"))
    assert found.text("/livez") == "ok"
    with pytest.raises(ClusterError, match="no JSON object"):
        found.get("/livez")
    with pytest.raises(ClusterError, match="<html>"):
        found.get("/livez")


def test_open_client(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="does not exist"):
        open_client(str(tmp_path / "kubeconfig"))
    (tmp_path / "kubeconfig").write_text("nonsense")
    with pytest.raises(InputError, match="Cannot read kubeconfig"):
        open_client(str(tmp_path / "kubeconfig"))

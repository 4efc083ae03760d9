"""Whole jobs with a kubeadm that only makes files: begun, cut, refused, repaired."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    NotReadyError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    command,
    job,
    ledger,
    locking,
    look,
    steps,
    tokens,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.observe import leftovers
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import Node
from ansible_collections.biomax.platform.plugins.modules import cluster_membership

from tests.unit.membership.pki import authority
from tests.unit.membership.test_kubeadm import ARGUMENTS, site

RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
CP1 = Node("cp1", "127.0.0.1", "control_plane")
APP1 = Node("app1", "127.0.0.1", "worker")
TICKET = steps.Ticket(authority("one").ca, authority("one").fingerprint, "bmxabc.0123456789abcdef")

KUBEADM = """#!/bin/sh
echo "$@" >> {root}/called
case "$1" in
  version) echo v1.36.3 ;;
  reset) rm -rf {root}/etc/kubernetes/pki/* {root}/etc/kubernetes/*.conf ;;
  init|join)
    cp "$3" {root}/given
    mkdir -p {root}/etc/kubernetes/pki
    cp {root}/ca.pem {root}/etc/kubernetes/pki/ca.crt
    echo "[certs] Using certificateDir"
    if [ -e {root}/fail ]; then rm {root}/fail; echo "no space left" >&2; exit 1; fi ;;
esac
"""
AGE = '#!/bin/sh\necho "-----BEGIN AGE ENCRYPTED FILE-----"\nwc -c\n'


class Api:
    """An API that accepts every deletion."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def delete(self, path: str) -> bool:
        with self.log.open("a") as stream:
            stream.write(path + "\n")
        return True


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"kubeadm": KUBEADM.format(root=tmp_path), "age": AGE}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tmp_path / "ca.pem").write_text(authority("one").ca)
    monkeypatch.setattr(command, "PATH", f"{programs}:{command.PATH}")
    monkeypatch.setattr(steps, "confirm", lambda _task: None)
    api = Api(tmp_path / "deleted")
    stand_in = SimpleNamespace(of_host=lambda *_args: api)
    monkeypatch.setattr(f"{steps.__name__}.ClusterApi", stand_in)
    return Layout(tmp_path)


def params(state: str, node: Node, **changes: Any) -> dict[str, Any]:
    return {
        "state": state,
        "node": {"name": node.name, "address": node.address, "role": node.role, "taints": []},
        "settings": ARGUMENTS,
        "reset": False,
        "escrow_recipient": RECIPIENT,
        "ticket": None,
        "ca": "",
        "follow": False,
        "offset": 0,
    } | changes


def called(layout: Layout) -> list[str]:
    lines = (layout.root / "called").read_text().splitlines()
    return [line.split()[0] for line in lines if not line.startswith("version")]


def test_init_seals_the_key_forms_and_closes_the_discovery(layout: Layout) -> None:
    result = cluster_membership.run(params("initialized", CP1), layout)
    assert (result["changed"], result["running"]) == (True, False)
    assert result["progress"][0] == "= kubeadm init"
    assert result["member"]["ca"] == authority("one").fingerprint
    assert layout.encryption.exists()
    assert [path.suffix for path in layout.escrow.iterdir()] == [".age"]
    deleted = (layout.root / "deleted").read_text()
    assert "configmaps/cluster-info" in deleted
    assert "secrets/bootstrap-token-bmx" in deleted
    assert list(layout.runtime.iterdir()) == []  # the configuration held a token
    assert leftovers(layout) != []


def test_failed_init_is_reported_kept_and_repaired(layout: Layout) -> None:
    (layout.root / "fail").touch()
    with pytest.raises(PlatformError, match=r"(?s)cp1 did not become a member.*no space left"):
        cluster_membership.run(params("initialized", CP1), layout)
    intent = ledger.read_intent(layout)
    assert intent is not None
    assert (intent.action, intent.attempt) == ("init", 1)
    key = layout.encryption.read_text()
    cluster_membership.run(params("initialized", CP1, reset=True), layout)
    assert called(layout) == ["init", "reset", "init"]
    assert layout.encryption.read_text() == key
    assert ledger.read_intent(layout) is None
    record = ledger.read_record(layout)
    assert record is not None
    assert record["attempt"] == 2


def test_unreadable_escrow_recipient_stops_before_anything_is_begun(layout: Layout) -> None:
    with pytest.raises(PlatformError, match="age recipient"):
        cluster_membership.run(params("initialized", CP1, escrow_recipient="x"), layout)
    assert leftovers(layout) == []
    assert ledger.read_intent(layout) is None
    with pytest.raises(PlatformError, match="needs escrow_recipient"):
        cluster_membership.run(params("initialized", CP1, escrow_recipient=None), layout)


def test_worker_joins_with_the_ticket_and_tries_twice(layout: Layout) -> None:
    (layout.root / "fail").touch()
    ticket = {"ca": TICKET.ca, "ca_fingerprint": TICKET.ca_fingerprint, "token": TICKET.token}
    result = cluster_membership.run(params("joined", APP1, ticket=ticket), layout)
    assert called(layout) == ["join", "reset", "join"]
    assert result["member"]["action"] == "join"
    (document,) = (json.loads(part) for part in (layout.root / "given").read_text().split("---\n"))
    assert document["kind"] == "JoinConfiguration"
    with pytest.raises(PlatformError, match="needs ticket"):
        cluster_membership.run(params("joined", APP1), layout)


def test_control_plane_is_tried_once_and_gets_the_encryption_key(layout: Layout) -> None:
    (layout.root / "fail").touch()
    task = steps.Task(layout, site(), CP1)
    secret = steps.Ticket(TICKET.ca, "aa", TICKET.token, "key", "config", {"k.age": "sealed"})
    job.start(layout, *steps.prepare_join(task, secret))
    assert "ended with 1" in job.follow(layout, 0, 30).failed
    assert called(layout) == ["join"]
    assert layout.encryption.read_text() == "config"
    assert (layout.escrow / "k.age").read_text() == "sealed"


def test_other_kubeadm_is_refused(layout: Layout) -> None:
    with pytest.raises(PlatformError, match=r"kubeadm on cp1 is 1\.36\.3, wanted 1\.35\.4"):
        steps.Task(layout, site(version="1.35.4"), CP1).check_host()


def test_unconfirmed_member_fails_with_what_is_missing(tmp_path: Path) -> None:
    task = steps.Task(Layout(tmp_path), site(), APP1)
    with pytest.raises(NotReadyError, match=r"app1 did not become a member within 0 s: .*kubelet"):
        steps.confirm(task, 0.0, lambda _seconds: None)


def asked(role: str = "worker") -> dict[str, Any]:
    """Arguments of a look at a host where no port of the cluster answers."""
    return {
        "node": {"name": "app1", "address": "127.0.0.1", "role": role},
        "control_planes": [{"name": "cp1", "address": "127.0.0.1"}],
        "endpoint": "127.0.0.1",
        "endpoint_port": 1,
        "backend_port": 1,
        "settle_seconds": 0,
        "offset": 0,
    }


def test_looking_waits_for_a_job_and_then_answers(layout: Layout) -> None:
    found = look.look(asked(), layout)
    assert (found["running"], found["observation"]["peers"]) == (False, {"cp1": "silent"})
    assert look.look_at_rest(asked(), layout) == found["observation"], "a bare host is at rest"
    assert tokens.TOKEN_MINUTES <= 15


@pytest.mark.parametrize("role", ["worker", "control_plane"])
def test_a_member_that_does_not_serve_yet_is_not_at_rest(layout: Layout, role: str) -> None:
    begun = ledger.Intent("join", role, "app1", "api:8443", "", "1.36.3", "2026-01-01T00:00:00Z")
    ledger.write_record(layout, begun, "ab", "2026-01-01T00:01:00Z")
    assert look.look_at_rest(asked(role), layout) == {}
    ledger.write_intent(layout, begun)
    assert look.look_at_rest(asked(role), layout)["intent"], "a cut job waits for nobody"


def test_a_host_with_a_running_job_is_not_at_rest(layout: Layout) -> None:
    held = locking.try_lock(layout)
    assert held is not None
    assert look.look_at_rest(asked(), layout) == {}
    os.close(held)
    assert look.look_at_rest(asked(), layout)["running"] is False

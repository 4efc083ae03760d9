"""Members, learners and lost quorum, against real etcd processes on loopback addresses."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.module_utils.membership import etcd
from ansible_collections.biomax.platform.plugins.module_utils.membership.https import Unanswered

from tests.support.apiserver import program, running
from tests.unit.membership.pki import authority

# kubeadm's ports on addresses of loopback that nobody else uses.
FIRST, SECOND = "127.83.14.1", "127.83.14.2"
START_SECONDS = 60.0


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """Certificates where kubeadm puts them."""
    made = authority("etcd", (FIRST, SECOND))
    directory = tmp_path / "pki"
    (directory / "etcd").mkdir(parents=True)
    for name, text in {
        "ca.crt": made.ca,
        "healthcheck-client.crt": made.certificate,
        "healthcheck-client.key": made.key,
    }.items():
        (directory / "etcd" / name).write_text(text)
    return directory


@pytest.fixture
def first(pki: Path, tmp_path: Path) -> Iterator[etcd.EtcdClient]:
    """A cluster of one member."""
    with running(command(pki, tmp_path / "first"), tmp_path / "first.log"):
        client = etcd.EtcdClient(pki, FIRST)
        wait_healthy(client)
        yield client


def command(pki: Path, data: Path) -> list[str]:
    """Command of the first member, with the flags that kubeadm gives."""
    ca, certificate, key = (
        str(pki / "etcd" / name)
        for name in ("ca.crt", "healthcheck-client.crt", "healthcheck-client.key")
    )
    return [
        str(program("etcd")),
        "--name=cp1",
        f"--data-dir={data}",
        f"--listen-client-urls=https://{FIRST}:2379",
        f"--advertise-client-urls=https://{FIRST}:2379",
        f"--listen-peer-urls=https://{FIRST}:2380",
        f"--initial-advertise-peer-urls=https://{FIRST}:2380",
        f"--initial-cluster=cp1=https://{FIRST}:2380",
        *(f"--{prefix}cert-file={certificate}" for prefix in ("", "peer-")),
        *(f"--{prefix}key-file={key}" for prefix in ("", "peer-")),
        *(f"--{prefix}trusted-ca-file={ca}" for prefix in ("", "peer-")),
        "--client-cert-auth=true",
        "--unsafe-no-fsync",
    ]


def announce(pki: Path, *flags: str) -> None:
    """Announce a second member that never starts."""
    subprocess.run(
        [
            str(program("etcdctl")),
            f"--endpoints=https://{FIRST}:2379",
            f"--cacert={pki / 'etcd/ca.crt'}",
            f"--cert={pki / 'etcd/healthcheck-client.crt'}",
            f"--key={pki / 'etcd/healthcheck-client.key'}",
            "member",
            "add",
            "cp2",
            f"--peer-urls=https://{SECOND}:2380",
            *flags,
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )


def wait_healthy(client: etcd.EtcdClient) -> None:
    """Wait until the only member serves."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if not etcd.problems(client.members()):
                return
        except Unanswered:
            pass
        assert time.monotonic() < deadline, "etcd did not become healthy"
        time.sleep(0.2)


def test_announced_learner_is_seen_and_removed(first: etcd.EtcdClient, pki: Path) -> None:
    (only,) = first.members()
    assert (only.name, only.peer_address, only.voter, only.healthy) == ("cp1", FIRST, True, True)
    announce(pki, "--learner")
    members = first.members()
    assert etcd.problems(members) == [f"etcd member {SECOND} is a learner"]
    (learner,) = (member for member in members if member.learner)
    etcd.check_removal(members, learner)
    first.remove(learner)
    assert first.members() == [only]


def test_last_voter_is_never_removed(first: etcd.EtcdClient) -> None:
    members = first.members()
    with pytest.raises(UnsafeError, match="quorum is at risk"):
        etcd.check_removal(members, members[0])


def test_lost_quorum_is_no_answer(first: etcd.EtcdClient, pki: Path) -> None:
    announce(pki)  # one of two voters never starts: nothing can be decided any more
    with pytest.raises(Unanswered):
        first.members()


def test_stranger_gets_no_answer(first: etcd.EtcdClient, tmp_path: Path) -> None:
    other = authority("other")
    directory = tmp_path / "other" / "etcd"
    directory.mkdir(parents=True)
    for name, text in (
        ("ca.crt", other.ca),
        ("healthcheck-client.crt", other.certificate),
        ("healthcheck-client.key", other.key),
    ):
        (directory / name).write_text(text)
    with pytest.raises(Unanswered):
        etcd.EtcdClient(tmp_path / "other", FIRST).members()

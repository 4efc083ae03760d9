"""Failures of a real API server and of its etcd: the last lines of the run name the true cause."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client

from tests.integration.cluster.conftest import Platform
from tests.integration.explain.hosts import End
from tests.support.apiserver import api_server

ONLY = ("--tags", "cluster_dns")
SYNC_SECONDS = 8  # etcd gives up on a proposal after 7 s
CONFIG = "/api/v1/namespaces/default/configmaps/{}"


@pytest.fixture(scope="module", name="platform")
def fixture_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A site whose cluster is an API server with an etcd that syncs its log."""
    directory = tmp_path_factory.mktemp("explained")
    with api_server(directory, etcd_syncs=True) as kubeconfig:
        yield Platform(kubeconfig.parent)


@contextmanager
def slow_syncs(pid: int, seconds: float) -> Iterator[None]:
    """Let each sync of a process's files take `seconds` longer, as a disk under load does."""
    delay = f"inject=fsync,fdatasync:delay_enter={round(seconds * 1e6)}"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", delay]
    with subprocess.Popen([*command, "-p", str(pid)], stderr=subprocess.PIPE) as tracer:
        try:
            status = Path(f"/proc/{pid}/status")
            while "TracerPid:\t0\n" in status.read_text():
                assert tracer.poll() is None, tracer.communicate()[1]
                time.sleep(0.05)
            yield
        finally:
            tracer.terminate()


def test_the_api_refuses(platform: Platform) -> None:
    platform.run(*ONLY, "-e", "cluster_dns_replicas=-1", expect=2)
    end = End.of(platform.output)
    assert end.fact.startswith("controller: the API refused Deployment coredns: ")
    assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in end.fact
    assert "get Deployment -n kube-system coredns -o yaml" in end.rows["see"]
    assert "Correct the values behind that field" in end.rows["do"]


def test_etcd_is_slow(platform: Platform) -> None:
    # Nothing is applied yet, so there is much to write: one slow write alone comes through.
    pid = int((platform.state / "etcd.pid").read_text())
    with slow_syncs(pid, SYNC_SECONDS):
        platform.run(*ONLY, expect=2)
    end = End.of(platform.output)
    assert end.fact.startswith("cp1: etcd does not answer in time: ")
    assert "error getting data from etcd" in end.fact or "request timed out" in end.fact
    assert "grep . /proc/pressure/io" in end.rows["do"]
    client = open_client(str(platform.state / "kubeconfig"))
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "after"}}
    client.apply(CONFIG.format("after"), item)  # it was the syncs, and nothing else


def test_a_component_does_not_become_ready(platform: Platform) -> None:
    # Nothing makes pods of a Deployment here.
    platform.run(*ONLY, "-e", "seconds_to_wait=1", expect=2)
    end = End.of(platform.output)
    assert end.fact.startswith(
        "controller: component cluster_dns is not ready: Deployment kube-system/coredns: "
    )
    config = platform.state / "kubeconfig"
    assert end.rows["see"] == (
        f"kubectl --kubeconfig {config} describe Deployment -n kube-system coredns"
    )
    assert "the same command goes on from there" in end.rows["do"]

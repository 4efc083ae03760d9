# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk latency: measured on hosts without etcd, only read on members, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_latency import (
    PROBE_NAME,
    etcd_disk,
)

ROOT = Path(__file__).parents[3]
NOBODY = ("127.0.0.1", 9)
# As etcd 3.6 writes it; of 2000 writes 1980 took at most 8 ms.
METRICS = """# TYPE etcd_disk_wal_fsync_duration_seconds histogram
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 1000
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 1500
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.004"} 1900
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.008"} 1980
etcd_disk_wal_fsync_duration_seconds_bucket{le="0.016"} 1999
etcd_disk_wal_fsync_duration_seconds_bucket{le="8.192"} 2000
etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 2000
etcd_disk_wal_fsync_duration_seconds_sum 3.2
etcd_disk_wal_fsync_duration_seconds_count 2000
"""
# Half of the writes took longer than the last bucket tells.
SLOWEST = "".join(
    f'etcd_disk_wal_fsync_duration_seconds_bucket{{le="{bound}"}} {count}\n'
    for bound, count in (("0.001", 0), ("8.192", 1000), ("+Inf", 2000))
)


def ask(base: Path, **changes: Any) -> dict[str, Any]:
    """Run the probe below `base`."""
    arguments: dict[str, Any] = {
        "directory": "/var/lib/etcd",
        "base": base,
        "listeners": [],
        "metrics": NOBODY,
        **changes,
    }
    return etcd_disk(**arguments)


@contextlib.contextmanager
def metrics_server(text: str) -> Iterator[tuple[str, int]]:
    """Answer one request over HTTP/1.0."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            with link:
                link.recv(1024)
                link.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + text.encode())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()
        thread.join(timeout=5)


def test_a_bare_host_is_measured_and_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / "var/lib").mkdir(parents=True)
    told = ask(tmp_path)
    assert (told["state"], told["directory"]) == ("measured", "/var/lib")
    assert 0 < told["p99_ms"] < 1000
    assert 1 <= told["samples"] <= 1000
    assert list((tmp_path / "var/lib").iterdir()) == []


def test_what_a_loss_of_power_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "var/lib/etcd").mkdir(parents=True)
    (tmp_path / "var/lib/etcd" / PROBE_NAME).write_text("left behind")
    assert ask(tmp_path)["directory"] == "/var/lib/etcd"
    assert list((tmp_path / "var/lib/etcd").iterdir()) == []


def test_nothing_stays_when_the_probe_is_killed(tmp_path: Path) -> None:
    """SIGKILL in the middle: the child that watches removes the file and ends."""
    slow = (
        "import os, pathlib, time\n"
        "from ansible_collections.biomax.platform.plugins.module_utils.preflight"
        " import collect_latency\n"
        "os.fdatasync = lambda handle: time.sleep(0.2)\n"
        f"collect_latency.etcd_disk('/', pathlib.Path({str(tmp_path)!r}), [], ('127.0.0.1', 9))\n"
    )
    path = f"{ROOT / 'collections'}"
    with subprocess.Popen(
        [sys.executable, "-c", slow], env={**os.environ, "PYTHONPATH": path}
    ) as probe:
        deadline = time.monotonic() + 20
        while not (tmp_path / PROBE_NAME).exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(probe.pid, signal.SIGKILL)
    while (tmp_path / PROBE_NAME).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("trace", ["data", "manifest", "port"])
def test_a_member_is_observed_and_never_loaded(tmp_path: Path, trace: str) -> None:
    listeners = []
    if trace == "data":
        (tmp_path / "var/lib/etcd/member").mkdir(parents=True)
    elif trace == "manifest":
        (tmp_path / "etc/kubernetes/manifests").mkdir(parents=True)
        (tmp_path / "etc/kubernetes/manifests/etcd.yaml").touch()
    else:
        listeners = [{"protocol": "tcp", "port": 2380, "program": "etcd"}]
    before = sorted(tmp_path.rglob("*"))
    times = {path: path.stat().st_mtime_ns for path in [tmp_path, *before]}
    with metrics_server(METRICS) as where:
        told = ask(tmp_path, listeners=listeners, metrics=where)
    assert (told["state"], told["p99_ms"], told["samples"]) == ("observed", 8.0, 2000)
    assert sorted(tmp_path.rglob("*")) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize(
    ("text", "p99_ms"),
    [
        (METRICS.replace("1980", "1990"), 7.56),  # 1980 lies 80/90 into the bucket of 4 to 8 ms
        (METRICS.replace('"0.001"} 1000', '"0.001"} 1999'), 0.99),
        (SLOWEST, 8192.0),
    ],
)
def test_the_percentile_is_taken_as_prometheus_does(
    tmp_path: Path, text: str, p99_ms: float
) -> None:
    (tmp_path / "var/lib/etcd/member").mkdir(parents=True)
    with metrics_server(text) as where:
        assert ask(tmp_path, metrics=where)["p99_ms"] == p99_ms


@pytest.mark.parametrize("text", ["", "etcd_server_has_leader 1\n"])
def test_a_member_that_tells_nothing_is_silent(tmp_path: Path, text: str) -> None:
    (tmp_path / "var/lib/etcd/member").mkdir(parents=True)
    with metrics_server(text) as where:
        assert ask(tmp_path, metrics=where)["state"] == "silent"
    assert ask(tmp_path)["state"] == "silent"


def test_a_disk_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / PROBE_NAME).mkdir()  # a directory of that name: nothing can be made there
    told = ask(tmp_path)
    assert told["state"] == "failed"
    assert told["reason"]

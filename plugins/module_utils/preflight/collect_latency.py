# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a disk makes etcd's writes durable. Standard library only: this runs on hosts.

A host with an etcd member is only observed: etcd's own numbers are read and nothing is written.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.etcd_metrics import (
    observed,
    read_metrics,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_disks import (
    nearest,
)

PROBE_NAME = ".biomax-platform-fsync-probe"
_ETCD_PORTS = {2379, 2380}
# As the fio run that etcd's FAQ refers to: sequential writes of this size, fdatasync after each.
_BLOCK = bytes(2300)
_WRITES = 1000
_SECONDS = 2.0  # a slow disk is known by then


def etcd_disk(
    directory: str, base: Path, listeners: Sequence[dict[str, Any]], metrics: tuple[str, int]
) -> dict[str, Any]:
    """Measure or observe the disk that etcd writes to.

    Args:
        directory: etcd's data directory; for one that does not exist its nearest parent counts.
        base: Where the host's file tree starts.
        listeners: Listening ports of this host; etcd's tell that a member runs.
        metrics: Address and port of etcd's metrics.

    Returns:
        ``state``: ``measured``, ``observed`` (a member's own numbers), ``silent`` (a member that
        tells none) or ``failed`` with ``reason``; with numbers ``p99_ms``, the time in
        milliseconds that 99 of 100 writes keep to, ``samples`` and ``directory``.
    """
    where = nearest(base / directory.lstrip("/"), base)
    place = "/" + str(where.relative_to(base)).lstrip(".")
    taken = any(item["port"] in _ETCD_PORTS for item in listeners)
    manifest = base / "etc/kubernetes/manifests/etcd.yaml"
    if taken or manifest.exists() or (base / directory.lstrip("/") / "member").exists():
        return {"directory": place, **observed(read_metrics(*metrics))}
    try:
        return {"directory": place, "state": "measured", **_measured(where)}
    except OSError as error:
        return {"directory": place, "state": "failed", "reason": error.strerror or str(error)}


def _measured(directory: Path) -> dict[str, Any]:
    """Write blocks one after the other, each made durable, and time each."""
    times: list[float] = []
    with _probe_file(directory / PROBE_NAME) as handle:
        end = time.monotonic() + _SECONDS
        while len(times) < _WRITES and time.monotonic() < end:
            start = time.perf_counter()
            os.write(handle, _BLOCK)
            os.fdatasync(handle)
            times.append(time.perf_counter() - start)
    ranked = sorted(times)
    return {"p99_ms": round(ranked[(len(ranked) * 99 - 1) // 100] * 1000, 2), "samples": len(times)}


@contextlib.contextmanager
def _probe_file(path: Path) -> Iterator[int]:
    """Open a new file and remove it afterwards, also when this process is killed.

    The file keeps its name while it is written: file systems (btrfs) skip part of the work for one
    without. A child waits for our end and removes it; what a loss of power leaves, the next run
    removes.
    """
    path.unlink(missing_ok=True)
    ours, theirs = os.pipe()
    guard = os.fork()
    if guard == 0:
        _guard(ours, theirs, path)
    os.close(ours)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)
    finally:
        path.unlink(missing_ok=True)
        os.close(theirs)
        os.waitpid(guard, 0)


def _guard(ours: int, theirs: int, path: Path) -> None:
    """Wait until the other end of the pipe is gone, remove the file, end."""
    try:
        os.setsid()  # what ends our parent's group must not end us
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        with Path(os.devnull).open("r+b") as nothing:
            for stream in (0, 1, 2):  # the connection ends when nobody holds its streams
                os.dup2(nothing.fileno(), stream)
        os.close(theirs)
        os.read(ours, 1)
        path.unlink(missing_ok=True)
    finally:
        os._exit(0)

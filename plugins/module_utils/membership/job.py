# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A membership job: detached from the connection, alone on its host, its end on the disk.

The controller may die at any moment. The job goes on: it is no child of the connection, its output
goes to a file, and kubeadm itself holds the host's lock. The next run finds the lock taken and
waits, or finds it free and reads from the ledger how the job ended.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO, Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    durable,
    ledger,
    locking,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.kubeconfig import (
    ca_fingerprint,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Tools:
    """What a step works with.

    Args:
        layout: Paths of the host.
        log: Open file for output.
        lock: Descriptor of the lock; programs keep it open.
    """

    layout: Layout
    log: IO[Any]
    lock: int


@dataclass(frozen=True)
class Step:
    """A part of a job.

    Args:
        name: What it does, for the progress line.
        act: Does it; raises PlatformError when it cannot.
    """

    name: str
    act: Callable[[Tools], None]


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Args:
        running: Whether it lives.
        failed: Why it ended without success; empty otherwise.
        lines: Steps and kubeadm phases that began since the offset.
        offset: Where the next look at the log begins, bytes.
    """

    running: bool
    failed: str
    lines: tuple[str, ...]
    offset: int


def now() -> str:
    """Return the time in UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def start(layout: Layout, intent: ledger.Intent, steps: Sequence[Step]) -> bool:
    """Begin a job and return at once.

    Args:
        layout: Paths of the host.
        intent: What is begun; durable before the first step.
        steps: Parts, in order.

    Returns:
        False when another job holds the host; nothing was begun then.
    """
    lock = locking.try_lock(layout)
    if lock is None:
        return False
    try:
        ledger.write_intent(layout, intent)
        log = layout.log.open("w", encoding="utf-8")
        layout.log.chmod(0o600)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            _detach(Tools(layout, log, lock), intent, steps)
        os.waitpid(child, 0)
        log.close()
    finally:
        os.close(lock)
    return True


def follow(layout: Layout, offset: int, seconds: float) -> Progress:
    """Wait for the end of a job, but not longer than some seconds.

    Args:
        layout: Paths of the host.
        offset: Where to begin in the log, bytes.
        seconds: Longest time to wait; returns early when the job ends.
    """
    deadline = time.monotonic() + seconds
    while locking.is_locked(layout) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    running = locking.is_locked(layout)
    lines, offset = _read_log(layout, offset)
    return Progress(running, "" if running else how_it_ended(layout), lines, offset)


def how_it_ended(layout: Layout) -> str:
    """Say why the last job was no success; empty when nothing is half done."""
    intent = ledger.read_intent(layout)
    if intent is None:
        return ""
    return intent.failed or f"the {intent.action} begun at {intent.started} was cut"


def _read_log(layout: Layout, offset: int) -> tuple[tuple[str, ...], int]:
    """Read new lines; keep the first of each kubeadm phase and our own."""
    try:
        with layout.log.open("rb") as stream:
            stream.seek(offset)
            data = stream.read()
    except FileNotFoundError:
        return (), offset
    whole = data[: data.rfind(b"\n") + 1]
    lines: dict[str, str] = {}
    for line in whole.decode("utf-8", "replace").splitlines():
        if line.startswith(("[", "= ")):
            lines.setdefault(line.split("]", 1)[0] if line.startswith("[") else line, line)
    return tuple(lines.values()), offset + len(whole)


def _detach(tools: Tools, intent: ledger.Intent, steps: Sequence[Step]) -> None:
    """Leave the connection's session, do the steps and end the process; never returns."""
    status = 1
    try:
        os.setsid()
        if os.fork() == 0:
            _silence(tools.log)
            status = _do(tools, intent, steps)
        else:
            status = 0
    finally:
        os._exit(status)


def _silence(log: IO[Any]) -> None:
    """Give the process the log for output, so that nothing it holds belongs to the connection."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    os.chdir("/")


def _do(tools: Tools, intent: ledger.Intent, steps: Sequence[Step]) -> int:
    """Do the steps; the ledger says how it went. Returns the exit status of the process."""
    layout = tools.layout
    try:
        for step in steps:
            tools.log.write(f"= {step.name}\n")
            tools.log.flush()
            step.act(tools)
        ledger.write_record(layout, intent, ca_fingerprint(layout.pki / "ca.crt"), now())
    except PlatformError as error:
        ledger.write_intent(layout, intent.with_failure(f"{error} {last_words(layout)}"))
        return 1
    except Exception:  # noqa: BLE001 - the process is detached: nobody else would hear of it
        ledger.write_intent(layout, intent.with_failure(traceback.format_exc(limit=3)))
        return 1
    finally:
        for path in sorted(layout.runtime.glob("*")):
            durable.remove_file(path)
    return 0


def last_words(layout: Layout, limit: int = 1200) -> str:
    """Return the end of the job's log, for the error message."""
    try:
        text = layout.log.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    return f"The end of {layout.log}: …{text[-limit:]}"

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call at a time on a host; who holds it is written into the lock."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping

from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.host.ledger import make_directory
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

FILE = "lock"
_POLL_SECONDS = 0.2


@contextlib.contextmanager
def held(host: Host, holder: Mapping[str, str], seconds: float, write: bool) -> Iterator[None]:
    """Hold the host's lock for the time of the block.

    Args:
        host: whose lock.
        holder: what to write into it: controller, user, run.
        seconds: how long to wait for another holder.
        write: False for a call that must not write; without a state directory it needs no lock,
            since no call ever ran here.

    Raises:
        PlatformError: another call still holds it; the message names that call.
    """
    if not write and not host.state(FILE).exists():
        yield
        return
    make_directory(host)
    # The kernel drops the lock with the process, so a killed call never leaves one behind.
    descriptor = os.open(host.state(FILE), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(host, descriptor, seconds)
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(host.wall()))
        text = json.dumps({**holder, "pid": os.getpid(), "since": since}, sort_keys=True)
        os.ftruncate(descriptor, 0)
        atomic.write_all(descriptor, text.encode())
        yield
    finally:
        os.close(descriptor)


def _acquire(host: Host, descriptor: int, seconds: float) -> None:
    deadline = host.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if host.monotonic() >= deadline:
                raise PlatformError(_busy(descriptor, seconds)) from None
            host.sleep(_POLL_SECONDS)
        else:
            return


def _busy(descriptor: int, seconds: float) -> str:
    os.lseek(descriptor, 0, os.SEEK_SET)
    try:
        holder = json.loads(os.read(descriptor, 4096))
        who = ", ".join(f"{key} {holder[key]}" for key in sorted(holder))
    except (ValueError, TypeError):
        who = "an unknown holder"
    return (
        f"Waited {seconds:g} s for the host's lock; it is held by {who}. Another run is at work "
        "on this host: wait for its end, then run again."
    )

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One membership job per host at a time."""

from __future__ import annotations

import fcntl
import os

from ansible_collections.biomax.platform.plugins.module_utils.membership import durable
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout


def try_lock(layout: Layout) -> int | None:
    """Take the host's membership lock without waiting.

    Returns:
        An open, inheritable descriptor; the lock lives as long as any process holds it, so a
        kubeadm whose parent died still keeps the next job waiting. None when it is taken.
    """
    durable.make_directory(layout.lock.parent)
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.set_inheritable(descriptor, True)
    return descriptor


def is_locked(layout: Layout) -> bool:
    """Say whether a job lives on this host; changes nothing."""
    try:
        descriptor = os.open(layout.lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

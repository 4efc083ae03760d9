# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses a run while another one changes the same site."""

from __future__ import annotations

DOCUMENTATION = r"""
name: one_run
type: aggregate
short_description: Refuses a second run that would change the same site, and names the first
version_added: 0.1.0
description:
  - A play with the variable C(site_run_changes) takes the lock C(run.lock) in C(site_state_dir)
    before its first task. The run holds it to its end; the kernel drops it when the run is killed.
  - When another run holds it, this one ends at once with code 1, having changed nothing, and says
    which run that is (controller, user, process, since when, command).
  - A run in check mode, and playbooks that only look, take no lock.
  - For runs of other controllers it takes a Lease in the cluster too (C(biomax-platform-run) in
    C(kube-system)), as soon as C(site_state_dir) has a kubeconfig that opens it. A process of its
    own renews it and gives it back when the run has ended or was killed. A Lease that names
    another run is watched for up to 60 s; when it is not renewed, that run is dead.
  - A run whose Lease another one has taken, because this controller slept or was cut off for longer
    than that, ends before its next task with code 1 and names the other one.
  - Where there is no cluster yet, or its API does not answer, runs of different controllers meet
    at the lock of each host, which M(biomax.platform.host_state) takes.
requirements:
  - enable in configuration with C(callbacks_enabled = biomax.platform.one_run)
author: biomax.platform authors
"""

import getpass
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from ansible import constants as C
from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.run_lease import (
    HeldLease,
    hold_lease,
    take_lease,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.run_lock import RunLock, named, take

_MARK = "site_run_changes"


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible-core ships no type information
    """Take lock and Lease when the first play begins that may change something; keep the Lease."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "biomax.platform.one_run"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._lock: RunLock | None = None
        self._lease: HeldLease | None = None

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Hold lock and Lease, or end this run."""
        if self._lease is not None or not play.vars.get(_MARK) or context.CLIARGS.get("check"):
            return
        state_dir = _state_dir(play)
        if not state_dir:
            return
        try:
            if not self._lock:
                self._lock = take(Path(state_dir), self._holder())
            self._lease = self._take_lease(Path(state_dir) / "kubeconfig", self._lock.previous)
        except UnsafeError as error:
            self._end(error)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002 - Ansible's signature
        """End this run when another one has taken the Lease."""
        try:
            if self._lease:
                self._lease.check()
        except UnsafeError as error:
            self._end(error)

    def _end(self, error: UnsafeError) -> NoReturn:
        self._display.banner("ANOTHER RUN")
        self._display.display(str(error), color=C.COLOR_ERROR)
        # To Ansible an exception of a callback is a warning; the end of the process is not.
        sys.exit(1)

    def _take_lease(self, kubeconfig: Path, dead: str) -> HeldLease | None:
        """Return what holds the Lease; None where it cannot be had now: the next play asks anew."""
        if not kubeconfig.is_file():
            return None
        holder = named(self._holder())
        try:
            client = open_client(str(kubeconfig), retry_seconds=0.0)
            take_lease(client, holder, dead, self._display.display)
        except UnsafeError:
            raise
        except PlatformError as error:
            self._display.vv(f"No Lease for this run yet: {error}")
            return None
        return hold_lease(kubeconfig, holder)

    def _holder(self) -> dict[str, str]:
        return {
            "controller": socket.gethostname(),
            "user": getpass.getuser(),
            "pid": str(os.getpid()),
            "since": self._since,
            "command": " ".join([Path(sys.argv[0]).name, *context.CLIARGS.get("args", ())]),
        }


def _state_dir(play: Any) -> str:
    """Return the site's state directory; empty when the inventory names none."""
    hosts = play.get_variable_manager().get_vars(play=play).get("hostvars") or {}
    return next(
        (str(hosts[name]["site_state_dir"]) for name in hosts if "site_state_dir" in hosts[name]),
        "",
    )

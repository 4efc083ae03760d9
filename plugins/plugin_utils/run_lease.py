# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a site, for the runs of different controllers: a Lease in its cluster."""

from __future__ import annotations

import datetime as dt
import os
import select
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    ClusterError,
    ConflictError,
    MissingError,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError

NAMESPACE, NAME = "kube-system", "biomax-platform-run"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
PATH = f"{LEASES}/{NAME}"
SILENT_SECONDS = 60  # without a renewal for so long, its run counts as dead
RENEW_SECONDS = 10.0
_LOOK_SECONDS = 2.0


def take_lease(client: KubeClient, holder: str, dead: str, say: Callable[[str], None]) -> None:
    """Take the site's Lease, unless a run that lives holds it.

    Whether a holder lives is seen by its renewals, never by comparing the clocks of two machines,
    as client-go's leader election does it.

    Args:
        client: Client of the site's cluster.
        holder: What this run says of itself; different for every run.
        dead: A holder that is known to be dead; empty for none.
        say: Is told what is waited for.

    Raises:
        UnsafeError: another run renewed it meanwhile; the message has what it says of itself.
        ClusterError: the API server does not answer, or refuses.
    """
    first_seen, deadline = "", 0.0
    while True:
        lease = _read(client)
        try:
            if lease is None:
                client.create(LEASES, _new(holder))
                return
            other = _holder(lease)
            version = lease["metadata"]["resourceVersion"]
            silent = first_seen == version and client.pace.clock() >= deadline
            if silent or other in ("", dead):
                _write(client, version, holder)
                return
        except ConflictError:
            continue  # somebody was faster: look again
        if not first_seen:
            say(_WAIT.format(other=other, seconds=SILENT_SECONDS))
            first_seen, deadline = version, client.pace.clock() + SILENT_SECONDS
        elif first_seen != version:
            raise UnsafeError(_REFUSED.format(other=other, namespace=NAMESPACE, name=NAME))
        client.pace.sleep(_LOOK_SECONDS)


def keep_lease(
    opened: Callable[[], KubeClient], holder: str, ended: Callable[[float], bool]
) -> str:
    """Renew the Lease until the run has ended, then give it back.

    Args:
        opened: Opens a client; a run renews its own certificate, so each renewal opens one anew.
        holder: What this run says of itself.
        ended: Waits up to that many seconds and says whether the run has ended.

    Returns:
        The run that has taken the Lease after a long silence of this one; empty when none has, or
        a person deleted it.
    """
    over = False
    while not over:
        over = ended(RENEW_SECONDS)
        try:
            client = opened()
            lease = _read(client)
            if lease is None or _holder(lease) != holder:
                return _holder(lease or {})
            _write(client, lease["metadata"]["resourceVersion"], "" if over else holder)
        except ClusterError:
            continue  # the next renewal may be answered; who looks waits for a minute
    return ""


class HeldLease:
    """The Lease as the run that holds it sees it."""

    def __init__(self, living: int, told: int) -> None:
        """Keep both descriptors.

        Args:
            living: Open as long as this run lives.
            told: From here the process that renews tells who has taken the Lease.
        """
        self._living, self._told = living, told

    def check(self) -> None:
        """Ask, without waiting, whether the Lease is still this run's.

        Raises:
            UnsafeError: another run has taken it; the message has what that says of itself.
        """
        if not select.select([self._told], [], [], 0)[0]:
            return
        other = os.read(self._told, 4096).decode()
        if other:
            raise UnsafeError(
                _LOST.format(other=other, seconds=SILENT_SECONDS, namespace=NAMESPACE, name=NAME)
            )


def hold_lease(kubeconfig: Path, holder: str) -> HeldLease:
    """Have a process renew the Lease as long as this one lives, and give it back then.

    It is told by the end of a pipe, so it learns of a SIGKILL too. Workers of this process hold
    the pipe as well: the Lease stays until the last of a killed run has ended.

    Args:
        kubeconfig: The site's kubeconfig.
        holder: What this run says of itself.

    Returns:
        What this process must keep.
    """
    reading, living = os.pipe()
    told, telling = os.pipe()
    if os.fork():
        os.close(reading)
        os.close(telling)
        return HeldLease(living, told)
    try:
        os.close(living)
        os.close(told)
        os.setsid()  # Ctrl-C is for the run; this process ends when that has ended
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)

        def ended(seconds: float) -> bool:
            return bool(select.select([reading], [], [], seconds)[0])

        other = keep_lease(lambda: open_client(str(kubeconfig), retry_seconds=0.0), holder, ended)
        os.write(telling, other.encode())
    finally:
        os._exit(0)


_WAIT = (
    "The Lease of this site names another run: {other}. Waiting up to {seconds} s to see whether "
    "it lives."
)
_REFUSED = (
    "Refused: another run is at work on this site: {other}. This run ends before the play that "
    "begins now; what its earlier plays did stays. Wait for the end of the other one, then run "
    "again. (kubectl --namespace {namespace} get lease {name})"
)
_LOST = (
    "Stopped: this controller did not answer for more than {seconds} s (it slept, or was cut off), "
    "and another run has begun on this site: {other}. What was done stays. Wait for the end of the "
    "other one, then run again. (kubectl --namespace {namespace} get lease {name})"
)


def _read(client: KubeClient) -> dict[str, Any] | None:
    try:
        return client.get(PATH)
    except MissingError:
        return None


def _holder(lease: Mapping[str, Any]) -> str:
    return str(lease.get("spec", {}).get("holderIdentity") or "")


def _write(client: KubeClient, version: str, holder: str) -> None:
    client.merge(PATH, {"metadata": {"resourceVersion": version}, "spec": _spec(holder)})


def _new(holder: str) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": _spec(holder),
    }


def _spec(holder: str) -> dict[str, Any]:
    now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "holderIdentity": holder,
        "leaseDurationSeconds": SILENT_SECONDS,
        "renewTime": now,
    }

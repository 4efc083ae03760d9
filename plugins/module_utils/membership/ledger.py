# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a member host has begun (intent) and what it has become (record).

The intent is on the disk before kubeadm starts and leaves it when the work was finished. So an
intent that stands there while no job runs is the proof that the state beside it is our own
half-done work, and nothing else is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import durable
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout

FORMAT = 1


@dataclass(frozen=True)
class Intent:
    """Work on the membership of this host.

    Args:
        action: ``init`` or ``join``.
        role: ``control_plane`` or ``worker``.
        node: Name of the Node.
        cluster: Endpoint of the cluster, host and port.
        ca: SHA-256 of the cluster's certificate authority; empty before init made it.
        version: Kubernetes version that is installed.
        started: When it began, ISO 8601 in UTC.
        attempt: Number of the attempt, from 1.
        failed: Why the last attempt ended; empty while none has failed.
        configuration: Hash of the declared configuration, to see later that another one is wanted.
    """

    action: str
    role: str
    node: str
    cluster: str
    ca: str
    version: str
    started: str
    attempt: int = 1
    failed: str = ""
    configuration: str = ""

    def with_failure(self, why: str) -> Intent:
        """Return the intent with the reason of its failure."""
        return replace(self, failed=why)


def read_intent(layout: Layout) -> Intent | None:
    """Read the intent; None when nothing is half done.

    Raises:
        PlatformError: The file is damaged or of another format.
    """
    value = durable.read_json(layout.intent)
    return None if value is None else parse_intent(value)


def parse_intent(value: dict[str, Any]) -> Intent:
    """Build an intent from its JSON form.

    Raises:
        PlatformError: Another format or other fields.
    """
    fields = dict(value)
    if fields.pop("format", None) != FORMAT:
        raise PlatformError(f"Membership intent of an unknown format: {sorted(value)}.")
    try:
        return Intent(**fields)
    except TypeError as error:
        raise PlatformError(f"Membership intent with unexpected fields: {error}.") from error


def write_intent(layout: Layout, intent: Intent) -> None:
    """Make the intent durable."""
    durable.write_json(layout.intent, {"format": FORMAT, **asdict(intent)})


def write_record(layout: Layout, intent: Intent, ca: str, finished: str) -> None:
    """Say that the work is finished: first the record, then the intent goes."""
    record = {"format": FORMAT, **asdict(intent), "ca": ca, "finished": finished}
    durable.write_json(layout.record, record)
    durable.remove_file(layout.intent)


def read_record(layout: Layout) -> dict[str, Any] | None:
    """Read the record of a finished membership."""
    return durable.read_json(layout.record)


def forget(layout: Layout) -> None:
    """Remove the record of a membership whose state is being removed."""
    durable.remove_file(layout.record)

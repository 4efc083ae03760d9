# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts that are owed: written durably before a change, removed when the unit is ready."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

DIRECTORY = "ledger"
DAEMON_RELOAD = "daemon-reload"
RESTART = "restart"
RELOAD = "reload"


@dataclass(frozen=True)
class Intent:
    """A verb that is owed to a unit; `since` is UTC text, `reasons` are the changes behind it."""

    unit: str
    verb: str
    role: str
    since: str
    reasons: tuple[str, ...] = ()


class Ledger:
    """The intents of one host, one small file each."""

    def __init__(self, host: Host) -> None:
        """Use the ledger in the state directory of `host`."""
        self._host = host
        self._directory = host.state(DIRECTORY)

    def read(self) -> dict[str, Intent]:
        """Return what earlier runs still owe, by unit.

        A file that cannot be read still names its unit and counts as a restart: owing one too
        many is harmless, owing one too few is not.
        """
        found: dict[str, Intent] = {}
        if not self._directory.is_dir():
            return found
        for path in sorted(self._directory.glob("*.json")):
            unit = path.name.removesuffix(".json")
            try:
                row = json.loads(path.read_text(encoding="utf-8"))
                row["reasons"] = tuple(row["reasons"])
                found[unit] = Intent(**row)
            except (OSError, ValueError, TypeError, KeyError):
                found[unit] = Intent(unit, RESTART, "", "an unknown time", ("unreadable intent",))
        return found

    def owe(self, unit: str, verb: str, role: str, reason: str) -> None:
        """Write durably that `unit` must be restarted or reloaded because of `reason`."""
        known = self.read().get(unit)
        reasons: Sequence[str] = known.reasons if known else ()
        if known and known.verb == RESTART:
            verb = RESTART
        if known and known.verb == verb and reason in reasons:
            return
        since = known.since if known else self._now()
        intent = Intent(unit, verb, role, since, tuple(dict.fromkeys((*reasons, reason))))
        make_directory(self._host, DIRECTORY)
        data = (json.dumps(asdict(intent), sort_keys=True) + "\n").encode()
        atomic.write_file(self._directory / f"{unit}.json", data, atomic.Attributes(mode=0o600))

    def settle(self, unit: str) -> None:
        """Forget what is owed to `unit`, durably; nothing happens when nothing is."""
        path = self._directory / f"{unit}.json"
        if path.exists():
            path.unlink()
            atomic.sync_directory(self._directory)

    def _now(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._host.wall()))


def make_directory(host: Host, *names: str) -> None:
    """Make the engine's state directory and the directory `names` below it, durably."""
    missing = []
    path = host.state(*names)
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        atomic.sync_directory(path.parent)

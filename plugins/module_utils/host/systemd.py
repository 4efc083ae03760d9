# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units as systemd sees them: one query for all, and verbs that explain a failure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    NotReadyError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host, tail

_PROPERTIES = ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload")
_RUNNING = ("active", "reloading", "refreshing", "activating")
_ENABLED = ("enabled", "static", "alias", "generated", "indirect", "enabled-runtime")
_JOB_SECONDS = 300  # above systemd's own 90 s, so that its message comes first
_PROBE_SECONDS = 10
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class UnitState:
    """Properties of systemctl(1) `show`; a unit that systemd does not know is `not-found`."""

    load: str = "not-found"
    active: str = "inactive"
    file: str = ""
    needs_reload: bool = False

    def evidence(self) -> dict[str, Any]:
        """Return what decides a plan: not how it runs, since a service may fail in a circle."""
        return {
            "exists": self.exists,
            "running": self.running,
            "enabled": self.enabled,
            "masked": self.masked,
        }

    @property
    def exists(self) -> bool:
        """Whether systemd has a unit file for it (a masked unit counts)."""
        return self.load != "not-found"

    @property
    def running(self) -> bool:
        """Whether it runs or is on its way (a service between two automatic restarts counts)."""
        return self.active in _RUNNING

    @property
    def enabled(self) -> bool:
        """Whether it starts at boot, or cannot be enabled and needs no enabling."""
        return self.file in _ENABLED

    @property
    def masked(self) -> bool:
        """Whether it is masked."""
        return self.file.startswith("masked") or self.load == "masked"


def query(host: Host, units: Iterable[str]) -> dict[str, UnitState]:
    """Return the state of each unit by one `systemctl show`."""
    names = sorted(set(units))
    if not names:
        return {}
    text = host.must_run(["systemctl", "show", "-p", ",".join(_PROPERTIES), "--", *names], 30)
    blocks = text.strip("\n").split("\n\n")
    if len(blocks) != len(names):
        raise PlatformError(
            f"Asking systemd for {len(names)} units: it answered for {len(blocks)}. "
            "Look at `systemctl show` on this host."
        )
    return {name: _parse(block) for name, block in zip(names, blocks, strict=True)}


def _parse(block: str) -> UnitState:
    rows = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    load, active, file, reload = (rows.get(name, "") for name in _PROPERTIES)
    # systemd 252 loads no drop-ins of a masked unit, misses them, and so asks for ever.
    return UnitState(load, active, file, reload == "yes" and load != "masked")


def act(host: Host, verb: str, unit: str) -> None:
    """Run `systemctl <verb> <unit>`.

    Raises:
        PlatformError: systemd refused; the message has the unit's last journal lines.
    """
    if verb in ("start", "restart"):
        host.run(
            ["systemctl", "reset-failed", unit], 30
        )  # a start limit must not outlive its cause
    done = host.run(["systemctl", verb, unit], _JOB_SECONDS)
    if done.code != 0:
        raise PlatformError(
            f"`systemctl {verb} {unit}` ended with {done.code}: {tail(done.err or done.out, 2)}. "
            f"Its journal: {journal(host, unit)}"
        )


def journal(host: Host, unit: str) -> str:
    """Return the last lines that `unit` logged."""
    done = host.run(["journalctl", "-u", unit, "-n", "12", "-o", "cat", "--no-pager"], 30)
    return tail(done.out, 12)


def is_ready(host: Host, probe: Sequence[str]) -> bool:
    """Return whether the probe ends with 0."""
    return host.run(probe, _PROBE_SECONDS).code == 0


def wait_ready(host: Host, unit: str, probe: Sequence[str], seconds: float) -> None:
    """Run the probe until it ends with 0.

    Raises:
        NotReadyError: it did not within `seconds`; the message has its last answer.
    """
    deadline = host.monotonic() + seconds
    while True:
        done = host.run(probe, _PROBE_SECONDS)
        if done.code == 0:
            return
        if host.monotonic() >= deadline:
            raise NotReadyError(
                f"{unit} was not ready within {seconds:g} s: `{' '.join(probe)}` ended with "
                f"{done.code}: {tail(done.err or done.out, 3)}. Journal: {journal(host, unit)}"
            )
        host.sleep(_POLL_SECONDS)

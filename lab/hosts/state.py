# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine-wide record of a lab: who runs it, from where and since when."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ValidationError

from lab.hosts.errors import LabError
from lab.hosts.instance import Instance
from lab.hosts.topology import Host


class Phase(StrEnum):
    """How far `up` came."""

    STARTING = "starting"
    UP = "up"


class Verdict(StrEnum):
    """What a record says about the lab it describes."""

    NONE = "none"
    ALIVE = "alive"
    DEAD = "dead"


class State(BaseModel):
    """One lab."""

    instance: str
    topology: str
    domain: str
    hosts: list[Host]
    checkout: Path
    boot_id: str
    since: str
    phase: Phase = Phase.STARTING
    partitions: list[list[str]] = []
    off: list[str] = []

    def all_off(self) -> bool:
        """Tell whether every host was switched off on purpose."""
        return {host.name for host in self.hosts} <= set(self.off)

    def host(self, name: str) -> Host:
        """Return a host by name.

        Raises:
            LabError: the topology has no such host.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise LabError(
            f"There is no host {name} in topology {self.topology}; its hosts are {known}."
        )

    def describe(self) -> str:
        """Return checkout, topology and start, for messages."""
        return f"topology {self.topology} of {self.checkout}, up since {self.since}"


def boot_id() -> str:
    """Return the id of this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def load_state(instance: Instance) -> State | None:
    """Return the record of an instance; None when there is none or it cannot be read."""
    try:
        return State.model_validate_json(instance.state_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None  # a record that cannot be read describes nothing that could be kept


def save_state(instance: Instance, state: State) -> None:
    """Write the record, replacing it at once."""
    instance.run_dir.mkdir(parents=True, exist_ok=True)
    partial = instance.state_file.with_suffix(".new")
    partial.write_text(state.model_dump_json(indent=2), encoding="utf-8")
    partial.rename(instance.state_file)


def judge(state: State | None, *, this_boot: str, processes: int, checkout_exists: bool) -> Verdict:
    """Tell whether a recorded lab lives. The caller holds the lab's lock.

    Args:
        state: the record, if there is one.
        this_boot: id of this boot of the machine.
        processes: how many processes its cgroup has.
        checkout_exists: whether its runtime directory in the checkout is there.

    Returns:
        ALIVE only if `up` came to its end, in this boot, its keys are still there and at least
        one host runs or all were switched off by command. A lab whose `up` was killed is dead:
        the lock would be held otherwise.
    """
    if state is None:
        return Verdict.DEAD if processes else Verdict.NONE
    whole = state.phase is Phase.UP and state.boot_id == this_boot and checkout_exists
    return Verdict.ALIVE if whole and (processes or state.all_off()) else Verdict.DEAD


@contextmanager
def locked(instance: Instance) -> Iterator[None]:
    """Hold the lab's lock while a command changes the lab.

    Raises:
        LabError: another command holds it; the message names its process.
    """
    instance.lock_file.parent.mkdir(parents=True, exist_ok=True)
    with instance.lock_file.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise LabError(
                f"Another lab command changes instance {instance.name} (process {holder}). "
                "Wait for it to end."
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield

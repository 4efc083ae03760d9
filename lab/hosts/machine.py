# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One host of a lab, whatever it is: how to reach it, wait for it and end it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import ClassVar

from lab.hosts import cgroups, network
from lab.hosts.disk import Disk
from lab.hosts.errors import LabError
from lab.hosts.instance import Instance, Paths
from lab.hosts.keys import HOST_KEY
from lab.hosts.process import environment
from lab.hosts.topology import Host

SSH_PORT = 22
POLL_SECONDS = 0.05
CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Machine(ABC):
    """One host of a running lab."""

    host: Host
    instance: Instance
    paths: Paths
    disk: Disk

    boot_seconds: ClassVar[float]  # longest time from start to an answer of its SSH server

    @property
    def cgroup(self) -> str:
        """The host's cgroup, relative to every hierarchy."""
        return f"{self.instance.cgroup}/{self.host.name}"

    @property
    def address(self) -> IPv4Address:
        """The host's address."""
        return self.host.address(self.instance.network)

    @property
    def root(self) -> Path:
        """The host's subvolume on the lab's disk."""
        return self.disk.hosts / self.host.name

    @property
    def console(self) -> Path:
        """File with the console output since the last start."""
        return self.paths.console / f"{self.host.name}.log"

    @property
    def host_key(self) -> Path:
        """Private half of the host's SSH key, in the runtime directory."""
        return self.paths.ssh / "hosts" / self.host.name / HOST_KEY

    def client_public(self) -> str:
        """Return the public key that may log in as root."""
        public = self.paths.client_key.with_name(self.paths.client_key.name + ".pub")
        return public.read_text(encoding="utf-8").strip()

    @abstractmethod
    def provision(self, base: Path) -> None:
        """Make the disk of a new host.

        Args:
            base: the subvolume that all hosts of this driver start from.
        """

    @abstractmethod
    def leader(self) -> int | None:
        """Return the id of the process that is the host, or None when it is off."""

    @abstractmethod
    def start(self) -> None:
        """Start the host without waiting for it.

        Raises:
            LabError: it has no disk.
        """

    @abstractmethod
    def exec_argv(self, command: list[str]) -> list[str]:
        """Return a command that runs in the host without its network, as at its console.

        Args:
            command: the program and its arguments.

        Raises:
            LabError: the host is off, or has no such way in.
        """

    @abstractmethod
    def journal_argv(self, options: list[str]) -> list[str]:
        """Return a command that prints the host's journal.

        Args:
            options: of journalctl.

        Raises:
            LabError: the journal cannot be read now.
        """

    def launch(self, argv: Sequence[str], extra: dict[str, str]) -> None:
        """Start the program that is the host, in the host's own cgroup, its output to the console.

        Args:
            argv: the program and its arguments.
            extra: added to its environment.
        """
        self.paths.console.mkdir(parents=True, exist_ok=True)
        process_files = cgroups.create(self.cgroup)
        with self.console.open("wb") as console:
            subprocess.Popen(
                cgroups.launch_argv(process_files, argv),
                env=environment() | extra,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )

    def answers(self) -> bool:
        """Tell whether the host's SSH server greets."""
        try:
            with socket.create_connection((str(self.address), SSH_PORT), timeout=1.0) as link:
                return link.recv(4) == b"SSH-"
        except OSError:
            return False

    def wait(self, started: float) -> None:
        """Wait until the host's SSH server greets.

        Args:
            started: when it was started, on the monotonic clock.

        Raises:
            LabError: the host ended or was not ready in time; holds its last console lines.
        """
        while not self.answers():
            ended = not cgroups.processes(self.cgroup)
            if ended or time.monotonic() > started + self.boot_seconds:
                tail = self.console.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
                found = "it ended" if ended else "no SSH answer in time"
                raise LabError(
                    f"Host {self.host.name} ({self.address}) did not start: {found}. Its console "
                    f"({self.console}) ends with:\n" + "\n".join(tail)
                )
            time.sleep(POLL_SECONDS)

    def kill(self) -> int:
        """End the host as a power cut would; its disk stays.

        Its link goes first: the kernel keeps a dead host's network for a moment and forwards for
        it, so that a service would still answer there.
        Its control groups go as well: a host that boots has none of its last life. The kubelet
        would otherwise ask for every container of that life, 3 s each, before it starts a pod.

        Returns:
            How many processes ended.
        """
        network.remove_link(self.instance.link(self.host.name))
        ended = cgroups.kill(self.cgroup)
        cgroups.remove(self.cgroup)
        return ended

    def ssh_argv(self, command: list[str]) -> list[str]:
        """Return the ssh command to the host, checking its key.

        Args:
            command: to run there; empty for a shell.
        """
        return [
            "ssh",
            "-F",
            "none",
            "-i",
            str(self.paths.client_key),
            "-o",
            f"UserKnownHostsFile={self.paths.known_hosts}",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            f"ConnectTimeout={CONNECT_SECONDS}",
            f"root@{self.address}",
            *command,
        ]


def guest_environment() -> dict[str, str]:
    """Return the environment of a root shell in a host."""
    kept = {key: os.environ[key] for key in ("TERM",) if key in os.environ}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", **kept}


def require_disk(machine: Machine) -> str:
    """Return the block device of the lab's disk, on which the host is.

    Raises:
        LabError: the disk is not mounted, or does not have this host.
    """
    if not machine.root.is_dir():
        raise LabError(
            f"Cannot start {machine.host.name}: {machine.root} is not there. Run lab up."
        )
    device = machine.disk.device()
    if device is None:
        raise LabError(f"Cannot start {machine.host.name}: the disk is not mounted. Run lab up.")
    return device

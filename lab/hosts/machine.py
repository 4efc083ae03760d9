# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting, ending and entering one host."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from lab.hosts import cgroups, guest, network
from lab.hosts.disk import Disk
from lab.hosts.errors import LabError
from lab.hosts.instance import Instance, Paths
from lab.hosts.keys import HOST_KEY
from lab.hosts.process import environment
from lab.hosts.topology import Host

SSH_PORT = 22
POLL_SECONDS = 0.05
# Hosts boot in seconds; a machine that also compiles or forms a cluster may take far longer.
BOOT_SECONDS = 120.0
CONNECT_SECONDS = 30
# Chosen by trying: with API_VFS_WRITABLE=1 the network waits for udev for ever; without
# @known, runc and the kubelet miss system calls that systemd-nspawn does not list yet.
_FLAGS = (
    "--quiet",
    "--boot",
    "--register=no",
    "--keep-unit",
    "--capability=all",
    "--drop-capability=CAP_SYS_TIME",  # the machine's clock is not the hosts' to set
    "--system-call-filter=@known",
    "--bind=/dev/kmsg",
    "--console=read-only",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
)
_ENVIRONMENT = {
    # /proc/sys/net is writable from the start; the rest is done by the host's own unit.
    "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
    # A killed systemd-nspawn leaves its lock file for ever; the lab has a lock of its own.
    "SYSTEMD_NSPAWN_LOCK": "0",
}


@dataclass(frozen=True)
class Machine:
    """One host of a running lab."""

    host: Host
    instance: Instance
    paths: Paths
    disk: Disk

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
        """The host's root directory."""
        return self.disk.hosts / self.host.name

    @property
    def console(self) -> Path:
        """File with the console output since the last start."""
        return self.paths.console / f"{self.host.name}.log"

    def leader(self) -> int | None:
        """Return the id of the host's process 1, or None when it is off."""
        return cgroups.leader(self.cgroup)

    def argv(self, device: str) -> list[str]:
        """Return the systemd-nspawn command that starts the host.

        Args:
            device: block device of the hosts' disk. It appears in the host as its disk would on
                real hardware; cAdvisor looks for it to measure a btrfs file system.
        """
        name = self.instance.machine(self.host.name)
        where = [f"--directory={self.root}", f"--machine={name}", f"--hostname={self.host.name}"]
        links = [f"--network-bridge={self.instance.bridge}", f"--bind-ro={device}"]
        machine_id = (self.root / "etc/machine-id").read_text(encoding="utf-8").strip()
        return ["systemd-nspawn", *_FLAGS, f"--uuid={machine_id}", *where, *links]

    def start(self) -> None:
        """Start the host without waiting for it.

        Raises:
            LabError: it has no disk.
        """
        if not self.root.is_dir():
            raise LabError(f"Cannot start {self.host.name}: {self.root} is not there. Run lab up.")
        device = self.disk.device()
        if device is None:
            raise LabError(f"Cannot start {self.host.name}: the disk is not mounted. Run lab up.")
        public = self.paths.client_key.with_name(self.paths.client_key.name + ".pub")
        key = self.paths.ssh / "hosts" / self.host.name / HOST_KEY
        guest.install_keys(self.root, public.read_text(encoding="utf-8").strip(), key)
        self.paths.console.mkdir(parents=True, exist_ok=True)
        self.kill()
        network.remove_link(self.instance.link(self.host.name))
        process_files = cgroups.create(self.cgroup)
        with self.console.open("wb") as console:
            subprocess.Popen(
                cgroups.launch_argv(process_files, self.argv(device)),
                env=environment() | _ENVIRONMENT,
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

    def wait(self, deadline: float) -> None:
        """Wait until the host's SSH server greets.

        Args:
            deadline: on the monotonic clock.

        Raises:
            LabError: the host ended or was not ready in time; holds its last console lines.
        """
        while not self.answers():
            ended = not cgroups.processes(self.cgroup)
            if ended or time.monotonic() > deadline:
                tail = self.console.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
                found = "it ended" if ended else "no SSH answer in time"
                raise LabError(
                    f"Host {self.host.name} ({self.address}) did not start: {found}. Its console "
                    f"({self.console}) ends with:\n" + "\n".join(tail)
                )
            time.sleep(POLL_SECONDS)

    def kill(self) -> int:
        """End the host as a power cut would; its disk stays.

        Its control groups go as well: a host that boots has none of its last life. The kubelet
        would otherwise ask for every container of that life, 3 s each, before it starts a pod.

        Returns:
            How many processes ended.
        """
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

    def exec_argv(self, command: list[str]) -> list[str]:
        """Return a command that runs in the host without its network, as at its console.

        Args:
            command: the program and its arguments.

        Raises:
            LabError: the host is off.
        """
        leader = self.leader()
        if leader is None:
            raise LabError(f"Cannot enter {self.host.name}: it is off. Run: lab power-on.")
        enter = ["nsenter", f"--target={leader}", "--all", "--", *command]
        return cgroups.launch_argv(cgroups.of_process(leader), enter)


def guest_environment() -> dict[str, str]:
    """Return the environment of a root shell in a host."""
    kept = {key: os.environ[key] for key in ("TERM",) if key in os.environ}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8", **kept}

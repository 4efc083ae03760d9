# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is a container: starts in a second, shares the machine's kernel."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from lab.hosts import cgroups, guest
from lab.hosts.errors import LabError
from lab.hosts.machine import Machine, require_disk
from lab.hosts.process import run

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


class Container(Machine):
    """One host started by systemd-nspawn."""

    # Hosts boot in seconds; a machine that also compiles or forms a cluster may take far longer.
    boot_seconds: ClassVar[float] = 120.0

    def provision(self, base: Path) -> None:
        """Copy the base file system and give it the host's identity."""
        run(["btrfs", "subvolume", "snapshot", base, self.root])
        guest.personalize(self.root, self.host, self.instance.network, self.instance.gateway)

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
        """Start the host without waiting for it."""
        device = require_disk(self)
        guest.install_keys(self.root, self.client_public(), self.host_key)
        self.kill()
        self.launch(self.argv(device), _ENVIRONMENT)

    def exec_argv(self, command: list[str]) -> list[str]:
        """Return a command that runs in the host without its network, as at its console."""
        leader = self.leader()
        if leader is None:
            raise LabError(f"Cannot enter {self.host.name}: it is off. Run: lab power-on.")
        enter = ["nsenter", f"--target={leader}", "--all", "--", *command]
        return cgroups.launch_argv(cgroups.of_process(leader), enter)

    def journal_argv(self, options: list[str]) -> list[str]:
        """Return a command that prints the host's journal, also when it is off."""
        return ["journalctl", f"--directory={self.root / 'var/log/journal'}", *options]

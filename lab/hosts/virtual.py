# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is a virtual machine: a kernel, a clock and disks of its own.

Everything of it lies in its subvolume on the lab's disk, so snapshots work as for containers.
QEMU's cache mode is the default (`writeback`): a flush of the host reaches the image, and what the
host did not write to its disk is lost when QEMU is killed. With `volatile_cache` the disk also
loses what was written and not flushed.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import uuid
from pathlib import Path
from typing import ClassVar

from lab.hosts import accelerator, cgroups, guest, write_log
from lab.hosts.errors import LabError
from lab.hosts.machine import Machine, require_disk
from lab.hosts.process import run
from lab.hosts.vm_image import IDENTITY_SERIAL, INITRD, KERNEL, LABEL, ROOT

LOG_GIB = 64  # sparse; QEMU does not let a log grow
BEFORE, LOG, IDENTITY, MACHINE_ID = "root-before.img", "root.log", "identity.tar", "machine-id"
_COMMAND_LINE = "console=ttyS0 loglevel=4 systemd.show_status=1 panic=-1"
_FLAGS = (
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    *("-display", "none"),
    *("-machine", "q35"),
    *("-rtc", "base=utc"),
    *("-serial", "stdio"),
    *("-device", "virtio-rng-pci"),
)


class VirtualMachine(Machine):
    """One host run by QEMU."""

    # 16 s on an idle machine with two cores, emulated; several at once on a busy one take minutes.
    boot_seconds: ClassVar[float] = 480.0

    @property
    def hardware_address(self) -> str:
        """MAC address: of the range that is free for local use, by instance and number."""
        return f"52:54:00:4d:{self.instance.number:02x}:{self.host.number:02x}"

    def provision(self, base: Path) -> None:
        """Copy the base image, make the extra disks, and draw a machine id."""
        run(["btrfs", "subvolume", "snapshot", base, self.root])
        (self.root / MACHINE_ID).write_text(uuid.uuid4().hex, encoding="utf-8")
        for disk in self.host.hardware.disks:
            with (self.root / _image(disk.serial)).open("wb") as image:
                image.truncate(disk.gib << 30)

    def leader(self) -> int | None:
        """Return the id of QEMU, or None when the host is off."""
        return min(cgroups.processes(self.cgroup), default=None)

    def start(self) -> None:
        """Start the host without waiting for it."""
        require_disk(self)
        self.kill()
        if self.host.hardware.volatile_cache:
            self._settle_disk()
        (self.root / IDENTITY).write_bytes(self.identity())
        self._add_link()
        self.launch(self.argv(), {})

    def _settle_disk(self) -> None:
        """Make the root disk what the last power cut left of it, and begin a new log."""
        root, before, log = (self.root / name for name in (ROOT, BEFORE, LOG))
        if log.is_file():
            write_log.replay(before, log)
            before.replace(root)
            log.unlink()
        run(["cp", "--reflink=always", root, before])
        partial = log.with_suffix(".new")
        with partial.open("wb") as file:
            file.truncate(LOG_GIB << 30)
        partial.rename(log)

    def identity(self) -> bytes:
        """Return the configuration disk: a tar archive with name, address and keys."""
        with tempfile.TemporaryDirectory() as folder:
            tree = Path(folder)
            guest.personalize(tree, self.host, self.instance.network, self.instance.gateway)
            (tree / "etc/machine-id").unlink()  # it comes by the kernel's command line
            (tree / "etc/ssh").mkdir()
            guest.install_keys(tree, self.client_public(), self.host_key)
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as archive:
                for path in sorted(tree.rglob("*")):
                    # Other directories are the host's own: the archive must not change their modes.
                    if path.is_file() or path.name == ".ssh":
                        archive.add(path, str(path.relative_to(tree)), recursive=False)
        return buffer.getvalue()

    def _add_link(self) -> None:
        link = self.instance.link(self.host.name)
        run(["ip", "tuntap", "add", "dev", link, "mode", "tap"])
        run(["ip", "link", "set", link, "master", self.instance.bridge, "up"])

    def argv(self) -> list[str]:
        """Return the QEMU command that starts the host."""
        hardware, machine_id = self.host.hardware, (self.root / MACHINE_ID).read_text("utf-8")
        identity = f"systemd.hostname={self.host.name} systemd.machine_id={machine_id}"
        link = self.instance.link(self.host.name)
        return [
            accelerator.EMULATOR,
            *accelerator.options(),
            *_FLAGS,
            *("-name", self.instance.machine(self.host.name)),
            *("-m", str(hardware.memory_mib), "-smp", str(hardware.processors)),
            *("-kernel", str(self.root / KERNEL), "-initrd", str(self.root / INITRD)),
            *("-append", f"root=LABEL={LABEL} ro {_COMMAND_LINE} {identity}"),
            *("-netdev", f"tap,id=net,ifname={link},script=no,downscript=no"),
            *("-device", f"virtio-net-pci,netdev=net,mac={self.hardware_address}"),
            *self._root_disk(),
            *self._plain_disk(IDENTITY, IDENTITY_SERIAL, read_only=True),
            *(word for disk in hardware.disks for word in self._extra_disk(disk.serial)),
        ]

    def _root_disk(self) -> list[str]:
        if not self.host.hardware.volatile_cache:
            return self._plain_disk(ROOT, LABEL)
        # The log has no words for discards and zeros that a sparse file would show as such.
        return [
            *("-blockdev", f"file,node-name=root-file,filename={self.root / ROOT}"),
            *("-blockdev", "raw,node-name=root-data,file=root-file"),
            *("-blockdev", f"file,node-name=root-log,filename={self.root / LOG}"),
            *("-blockdev", "blklogwrites,node-name=root,file=root-data,log=root-log"),
            *("-device", f"virtio-blk-pci,drive=root,serial={LABEL},discard=off,write-zeroes=off"),
        ]

    def _extra_disk(self, serial: str) -> list[str]:
        return self._plain_disk(_image(serial), serial)

    def _plain_disk(self, image: str, serial: str, *, read_only: bool = False) -> list[str]:
        access = "on" if read_only else "off"
        file = f"driver=file,filename={self.root / image},read-only={access}"
        return [
            *("-blockdev", f"{file},node-name=file-{serial}"),
            *("-blockdev", f"raw,node-name=disk-{serial},file=file-{serial},read-only={access}"),
            *("-device", f"virtio-blk-pci,drive=disk-{serial},serial={serial}"),
        ]

    def exec_argv(self, command: list[str]) -> list[str]:  # noqa: ARG002 - the drivers' signature
        """Refuse: nothing enters a virtual machine but its network."""
        raise LabError(
            f"Cannot run a command at the console of {self.host.name}: it is a virtual machine. "
            f"Use: lab/lab ssh {self.host.name} COMMAND."
        )

    def journal_argv(self, options: list[str]) -> list[str]:
        """Return a command that asks the running host for its journal."""
        if self.leader() is None:
            raise LabError(
                f"Cannot read the journal of {self.host.name}: it is a virtual machine and off, "
                f"so its disk is closed. Start it, or use: lab/lab logs {self.host.name} --console."
            )
        return self.ssh_argv(["journalctl", *options])


def _image(serial: str) -> str:
    return f"disk-{serial}.img"

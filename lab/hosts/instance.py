# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of everything that one lab instance owns on the machine.

Cleaning finds what a dead lab left by these names alone, so they depend on nothing but the
instance's name: not on the checkout, not on the topology.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab.hosts.errors import LabError

DEFAULT = "default"
RUN_ROOT = Path("/run/biomax-lab")
CGROUP_ROOT = "biomax-lab"
_NAME = re.compile(r"^[a-z][a-z0-9-]{0,19}$")


@dataclass(frozen=True)
class Instance:
    """A lab instance; two with different names can live at the same time."""

    name: str = DEFAULT

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise LabError(
                f"Cannot use instance name {self.name!r}: it must start with a letter and hold at "
                "most 20 lower-case letters, digits and dashes."
            )

    @property
    def number(self) -> int:
        """Third part of the instance's network: 0 for the default, 1..254 by name for others."""
        return 0 if self.name == DEFAULT else 1 + zlib.crc32(self.name.encode()) % 254

    @property
    def network(self) -> IPv4Network:
        """The instance's own /24."""
        return IPv4Network(f"10.77.{self.number}.0/24")

    @property
    def gateway(self) -> IPv4Address:
        """The controller's address on the bridge."""
        return self.network.network_address + 1

    @property
    def bridge(self) -> str:
        """Name of the bridge, and of nothing else."""
        return f"lab{self.number}"

    @property
    def nft_table(self) -> str:
        """Name of the tables that keep the hosts' packets in, in families inet and bridge."""
        return "biomax_lab" if self.name == DEFAULT else f"biomax_lab_{self.number}"

    @property
    def nft_tables(self) -> tuple[str, str]:
        """Names of the instance's nftables tables: the wall, and the cuts between hosts."""
        return self.nft_table, f"{self.nft_table}_cut"

    @property
    def run_dir(self) -> Path:
        """Directory of the machine-wide state; it does not depend on the checkout."""
        return RUN_ROOT / self.name

    @property
    def mount_dir(self) -> Path:
        """Where the disk of all hosts is mounted: outside the checkout, so `rm -rf` is safe."""
        return self.run_dir / "disk"

    @property
    def state_file(self) -> Path:
        """Who runs this lab, from where and since when."""
        return self.run_dir / "state.json"

    @property
    def lock_file(self) -> Path:
        """Locked while a command changes the lab; the kernel unlocks it for the dead."""
        return Path("/run/lock") / f"biomax-lab-{self.name}.lock"

    @property
    def cgroup(self) -> str:
        """Parent of the hosts' cgroups, relative to every hierarchy."""
        return f"{CGROUP_ROOT}/{self.name}"

    def machine(self, host: str) -> str:
        """Return the name under which systemd-nspawn knows a host; unique on the machine."""
        return host if self.name == DEFAULT else f"i{self.number}-{host}"

    def link(self, host: str) -> str:
        """Return the controller's side of a host's network link, as systemd-nspawn names it."""
        return f"vb-{self.machine(host)}"


@dataclass(frozen=True)
class Paths:
    """Where a checkout keeps what belongs to one of its labs, and the caches of the user."""

    checkout: Path
    cache: Path
    instance: Instance

    @property
    def base(self) -> Path:
        """Runtime directory of the instance."""
        root = self.checkout / ".lab"
        return root if self.instance.name == DEFAULT else root / "instances" / self.instance.name

    @property
    def topologies(self) -> Path:
        """Topology files of the checkout."""
        return self.checkout / "lab" / "topologies"

    @property
    def disk(self) -> Path:
        """Disk image with the file systems of all hosts and their snapshots."""
        return self.base / "disk.btrfs"

    @property
    def ssh(self) -> Path:
        """Client key, known hosts, and the hosts' own keys."""
        return self.base / "ssh"

    @property
    def client_key(self) -> Path:
        """Private key that every host's root accepts."""
        return self.ssh / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Host keys of all hosts, by name, by full name and by address."""
        return self.ssh / "known_hosts"

    @property
    def console(self) -> Path:
        """Console output of the hosts, one file per host."""
        return self.base / "console"

    @property
    def rootfs(self) -> Path:
        """Cached root file systems."""
        return self.cache / "lab"

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topology files: which hosts a lab has and which addresses they get."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lab.hosts.errors import LabError

# A host's link is called "vb-<machine>" (15 characters at most, the kernel's IFNAMSIZ) and the
# machine name of a second instance has a prefix of up to five characters.
MAX_NAME = 7
_NAME = re.compile(r"^[a-z][a-z0-9]*$")
# .0 is the network, .1 the controller's side, .2-.9 are left for addresses that move between
# hosts (the API's virtual address is .5), .255 is broadcast.
FIRST_NUMBER, LAST_NUMBER = 10, 254


class Driver(StrEnum):
    """What a host is: a container of the machine, or a virtual machine."""

    NSPAWN = "nspawn"
    QEMU = "qemu"


class ExtraDisk(BaseModel):
    """A disk beside the root disk; `serial` makes its stable id (virtio-<serial>)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    serial: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,19}$")]
    gib: Annotated[int, Field(ge=1, le=1024)]


class Hardware(BaseModel):
    """What only a virtual host has; all of it is refused for a container.

    `volatile_cache`: its root disk forgets at a power cut what the host did not flush.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_mib: Annotated[int, Field(ge=512)] = 1536
    processors: Annotated[int, Field(ge=1)] = 2
    disks: list[ExtraDisk] = []
    volatile_cache: bool = False

    @model_validator(mode="after")
    def _check(self) -> Hardware:
        serials = [disk.serial for disk in self.disks]
        twice = {serial for serial in serials if serials.count(serial) > 1} | (
            {serial for serial in serials if serial.startswith("lab-")}
        )
        if twice:
            raise ValueError(f"serial {min(twice)} is there twice, or begins with lab-")
        return self


class Host(BaseModel):
    """One host: its name, the last part of its IPv4 address, and what it is."""

    model_config = ConfigDict(frozen=True)

    name: str
    number: int
    driver: Driver = Driver.NSPAWN
    hardware: Hardware = Hardware()

    def address(self, network: IPv4Network) -> IPv4Address:
        """Return the host's address.

        Args:
            network: the /24 of the lab instance.

        Returns:
            The network's address plus the host's number.
        """
        return network.network_address + self.number


class HostSpec(BaseModel):
    """One entry of a topology file; with `count` it stands for several hosts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    number: Annotated[int, Field(ge=FIRST_NUMBER, le=LAST_NUMBER)]
    count: Annotated[int, Field(ge=1)] | None = None
    driver: Driver = Driver.NSPAWN
    hardware: Hardware | None = None

    @model_validator(mode="after")
    def _check(self) -> HostSpec:
        if self.hardware and self.driver is not Driver.QEMU:
            raise ValueError(f"host {self.name} has hardware: that needs driver: {Driver.QEMU}")
        return self

    def expand(self) -> list[Host]:
        """Return the hosts of this entry, numbered from 1 when `count` is given."""
        names = [f"{self.name}{index + 1}" for index in range(self.count or 0)] or [self.name]
        return [
            Host(
                name=name,
                number=self.number + index,
                driver=self.driver,
                hardware=self.hardware or Hardware(),
            )
            for index, name in enumerate(names)
        ]


class Topology(BaseModel):
    """A whole topology file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    domain: str
    hosts: Annotated[list[HostSpec], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Topology:
        names: set[str] = set()
        numbers: dict[int, str] = {}
        for host in self.expand():
            if not _NAME.match(host.name) or len(host.name) > MAX_NAME:
                raise ValueError(
                    f"host name {host.name!r} must be lower-case letters and digits, "
                    f"at most {MAX_NAME} of them"
                )
            if host.name in names:
                raise ValueError(f"host {host.name} is there twice")
            if host.number in numbers:
                raise ValueError(
                    f"hosts {numbers[host.number]} and {host.name} have one number, {host.number}"
                )
            if host.number > LAST_NUMBER:
                raise ValueError(f"host {host.name} has number {host.number} > {LAST_NUMBER}")
            names.add(host.name)
            numbers[host.number] = host.name
        return self

    def expand(self) -> list[Host]:
        """Return every host, in the order of the file."""
        return [host for spec in self.hosts for host in spec.expand()]


def load_topology(name: str, directory: Path) -> Topology:
    """Read a topology.

    Args:
        name: the name of a file in `directory` without its ending, or a path to a file.
        directory: where the topologies of this checkout are.

    Returns:
        The checked topology.

    Raises:
        LabError: there is no such file, or it is not a valid topology.
    """
    path = Path(name) if name.endswith((".yml", ".yaml")) else directory / f"{name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(entry.stem for entry in directory.glob("*.yml")))
        raise LabError(f"Cannot read topology {name}: no file {path}. Known here: {known}.")
    try:
        return Topology.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise LabError(f"Cannot use topology {path}: {error}") from error

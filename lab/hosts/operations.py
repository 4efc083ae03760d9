# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's operations on a whole lab: up, down, restore and the rest."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.hosts import cgroups, cleanup, keys, network, process, rootfs, state, sysctls, vm_image
from lab.hosts.console import Reporter
from lab.hosts.container import Container
from lab.hosts.disk import Disk
from lab.hosts.errors import LabError
from lab.hosts.instance import DEFAULT, Instance, Paths
from lab.hosts.machine import Machine
from lab.hosts.state import Phase, State, Verdict
from lab.hosts.topology import Driver, Host, Topology
from lab.hosts.virtual import VirtualMachine

_MACHINES: dict[Driver, type[Machine]] = {
    Driver.NSPAWN: Container,
    Driver.QEMU: VirtualMachine,
}


@dataclass
class Lab:
    """One lab instance seen from one checkout."""

    instance: Instance
    paths: Paths
    report: Reporter

    @cached_property
    def disk(self) -> Disk:
        """The hosts' disk."""
        return Disk(self.paths.disk, self.instance.mount_dir)

    def machine(self, host: Host) -> Machine:
        """Return one host, to act on it."""
        return _MACHINES[host.driver](host, self.instance, self.paths, self.disk)

    def verdict(self, recorded: State | None) -> Verdict:
        """Tell whether the recorded lab lives; the caller holds the lock."""
        return state.judge(
            recorded,
            this_boot=state.boot_id(),
            processes=len(cgroups.processes(self.instance.cgroup)),
            checkout_exists=recorded is not None and self._keys_of(recorded),
        )

    def _keys_of(self, recorded: State) -> bool:
        paths = Paths(recorded.checkout, self.paths.cache, self.instance)
        return paths.client_key.is_file() and paths.disk.is_file()

    def running(self) -> State:
        """Return the record of this checkout's running lab.

        Raises:
            LabError: none runs, or it is another checkout's.
        """
        recorded = state.load_state(self.instance)
        if recorded is None or self.verdict(recorded) is not Verdict.ALIVE:
            raise LabError(f"No lab is up (instance {self.instance.name}). Run: lab/lab up.")
        if recorded.checkout != self.paths.checkout:
            raise LabError(
                f"The lab that is up is another checkout's: {recorded.describe()}. Work from there."
            )
        return recorded

    def up(self, topology: Topology) -> State:
        """Bring every host of a topology up.

        Args:
            topology: which hosts.

        Returns:
            The record of the lab.

        Raises:
            LabError: another lab is alive, or a host did not start.
        """
        self._install_programs(topology.expand())
        recorded = state.load_state(self.instance)
        if recorded is not None and self.verdict(recorded) is Verdict.ALIVE:
            return self._keep(recorded, topology)
        self.clear()
        fresh = State(
            instance=self.instance.name,
            topology=topology.name,
            domain=topology.domain,
            hosts=topology.expand(),
            checkout=self.paths.checkout,
            boot_id=state.boot_id(),
            since=state.now(),
        )
        self._refuse_collision()
        state.save_state(self.instance, fresh)
        self._prepare(fresh)
        self._boot(fresh.hosts)
        fresh.phase = Phase.UP
        state.save_state(self.instance, fresh)
        return fresh

    def _install_programs(self, hosts: list[Host]) -> None:
        has_virtual = any(host.driver is Driver.QEMU for host in hosts)
        programs = process.PACKAGES | (process.VIRTUAL_PACKAGES if has_virtual else {})
        packages = process.missing_packages(programs)
        if packages:
            with self.report.step(f"install with apt: {', '.join(packages)}"):
                process.install_packages(packages)

    def _refuse_collision(self) -> None:
        if network.exists(self.instance.bridge):
            raise LabError(
                f"Cannot start instance {self.instance.name}: link {self.instance.bridge} exists "
                "and is not its own. Choose another --instance."
            )

    def _keep(self, recorded: State, topology: Topology) -> State:
        same = recorded.checkout == self.paths.checkout and recorded.hosts == topology.expand()
        if not same:
            raise LabError(
                f"Cannot start topology {topology.name} of {self.paths.checkout}: a lab is alive, "
                f"{recorded.describe()}. Run lab/lab down there first."
            )
        cgroups.freeze(self.instance.cgroup, frozen=False)  # a killed `snapshot` left it so
        off = [host for host in recorded.hosts if self.machine(host).leader() is None]
        self.report.line(f"already up: {recorded.describe()}")
        self._boot(off)
        recorded.off = []
        state.save_state(self.instance, recorded)
        return recorded

    def _prepare(self, fresh: State) -> None:
        drivers = {host.driver for host in fresh.hosts}
        for driver in drivers:
            self._build(driver)
        with self.report.step("disk, keys, network, kernel settings"):
            keys.ensure_keys(self.paths, fresh.hosts, fresh.domain)
            sysctls.apply()
            network.create(self.instance, [host.name for host in fresh.hosts])
            self.disk.open()
            self.disk.wipe_hosts()
            bases = {driver: self._base(driver) for driver in drivers}
            for host in fresh.hosts:
                self.machine(host).provision(bases[host.driver])

    def _build(self, driver: Driver) -> None:
        """Make what all hosts of a driver start from, unless the cache has it."""
        if driver is Driver.QEMU:
            image = vm_image.cached_image(self.paths)
            if not image.is_dir():
                with self.report.step(f"image of virtual hosts (about 1 min) -> {image}"):
                    vm_image.build(self.paths)
            return
        archive = rootfs.cached_archive(self.paths)
        if not archive.is_file():
            with self.report.step(f"root file system by mmdebstrap (about 1 min) -> {archive}"):
                rootfs.build(self.paths)

    def _base(self, driver: Driver) -> Path:
        """Return the subvolume that all hosts of a driver start from."""
        if driver is Driver.QEMU:
            return self.disk.base_image(vm_image.cached_image(self.paths))
        return self.disk.base(rootfs.cached_archive(self.paths))

    def _boot(self, hosts: list[Host]) -> None:
        if not hosts:
            return
        machines = [self.machine(host) for host in hosts]
        names = " ".join(host.name for host in hosts)
        with self.report.step(f"boot {len(hosts)}: {names}"):
            for machine in machines:
                machine.start()
            started = time.monotonic()
            for machine in machines:
                machine.wait(started)

    def clear(self) -> int:
        """Remove what a dead lab of this instance left, whichever checkout made it.

        Returns:
            How many things were removed.
        """
        recorded = state.load_state(self.instance)
        hosts = [host.name for host in recorded.hosts] if recorded else []
        steps = cleanup.plan(cleanup.find(self.instance, hosts), self.instance)
        if not steps:
            return 0
        with self.report.step(f"clear what the last lab left: {len(steps)} things"):
            for _step in cleanup.execute(steps):
                pass
        return len(steps)

    def down(self, *, force: bool = False, purge: bool = False) -> int:
        """Remove the lab from the machine. Snapshots stay on the disk image unless purged.

        Args:
            force: also when the lab is another checkout's.
            purge: remove the snapshots, too, and the keys of an instance that is not the default.

        Returns:
            How many things were removed.

        Raises:
            LabError: the lab is alive and another checkout's.
        """
        recorded = state.load_state(self.instance)
        foreign = recorded is not None and recorded.checkout != self.paths.checkout
        if recorded and foreign and not force and self.verdict(recorded) is Verdict.ALIVE:
            raise LabError(
                f"Cannot end the lab: it is another checkout's, {recorded.describe()}. "
                "Run lab/lab down there, or here with --force."
            )
        cgroups.kill(self.instance.cgroup)
        if not foreign and self.paths.disk.is_file():
            self._drop_disk(purge=purge)
        removed = self.clear()
        shutil.rmtree(rootfs.scratch_dir(self.paths), ignore_errors=True)
        if purge and self.instance.name != DEFAULT:
            shutil.rmtree(self.paths.base, ignore_errors=True)
        return removed

    def _drop_disk(self, *, purge: bool) -> None:
        """Remove the disk image, or only the hosts on it when it has snapshots to keep."""
        self.disk.open()
        if self.disk.saved() and not purge:
            self.disk.wipe_hosts()
        else:
            self.paths.disk.unlink()  # its blocks are free as soon as it is unmounted

    def snapshot(self, name: str) -> None:
        """Save all hosts at one moment, without ending them.

        Every process of the lab is stopped first, so no host's disk is ahead of another's: what
        is saved is what a power cut at that moment would leave everywhere.

        Args:
            name: of the snapshot.
        """
        recorded = self.running()
        meta = {"hosts": [host.name for host in recorded.hosts], "topology": recorded.topology}
        cgroups.freeze(self.instance.cgroup, frozen=True)
        try:
            self.disk.save(name, {**meta, "taken": state.now()})
        finally:
            cgroups.freeze(self.instance.cgroup, frozen=False)

    def restore(self, name: str) -> None:
        """Put all hosts back to a snapshot and start them, with every cut healed.

        Args:
            name: of the snapshot.

        Raises:
            LabError: there is no such snapshot, or it has other hosts.
        """
        recorded = self.running()
        hosts = [host.name for host in recorded.hosts]
        saved = self.disk.meta(name)
        if saved["hosts"] != hosts:
            raise LabError(
                f"Cannot restore {name}: it was taken of topology {saved['topology']} "
                f"({saved['hosts']}), and {recorded.topology} is up."
            )
        network.partition(self.instance, [])
        recorded.partitions, recorded.off = [], hosts  # a restore that is killed can be repeated
        state.save_state(self.instance, recorded)
        with self.report.step("end all hosts"):
            cgroups.kill(self.instance.cgroup)
        with self.report.step(f"put the disks back to {name}"):
            self.disk.load(name)
        self._boot(recorded.hosts)
        recorded.off = []
        state.save_state(self.instance, recorded)

    def forget(self, name: str) -> None:
        """Remove a snapshot; what it alone holds of the disk becomes free.

        Raises:
            LabError: there is no such snapshot.
        """
        self.running()
        self.disk.meta(name)
        self.disk.forget(name)

    def power_off(self, names: list[str]) -> int:
        """End hosts as a power cut would; returns the number of processes that ended."""
        recorded = self.running()
        machines = [self.machine(recorded.host(name)) for name in names]
        recorded.off = sorted({*recorded.off, *names})
        state.save_state(self.instance, recorded)  # before the last process of the lab may be gone
        return sum(machine.kill() for machine in machines)

    def power_on(self, names: list[str]) -> None:
        """Start hosts again, with the disks they had.

        Args:
            names: the hosts.

        Raises:
            LabError: one is on already, or did not start.
        """
        recorded = self.running()
        machines = [self.machine(recorded.host(name)) for name in names]
        on = [machine.host.name for machine in machines if machine.leader() is not None]
        if on:
            raise LabError(f"Cannot start {', '.join(on)}: on already.")
        self._boot([machine.host for machine in machines])
        recorded.off = sorted(set(recorded.off) - set(names))
        state.save_state(self.instance, recorded)

    def cut(self, names: list[str]) -> None:
        """Cut a group of hosts off from all the others; the controller still reaches them.

        Args:
            names: the hosts of the group.
        """
        recorded = self.running()
        group = [recorded.host(name).name for name in names]
        kept = [old for old in recorded.partitions if not set(old) & set(group)]
        recorded.partitions = [*kept, group]
        network.partition(self.instance, recorded.partitions)
        state.save_state(self.instance, recorded)

    def heal(self) -> None:
        """Undo every cut."""
        recorded = self.running()
        recorded.partitions = []
        network.partition(self.instance, [])
        state.save_state(self.instance, recorded)

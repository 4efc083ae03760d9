# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what each host said about itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.networks import (
    networks_overlap,
    parse_network,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight import requirements
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import Finding
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

_COMM_LENGTH = 15  # the kernel keeps so many characters of a process name (proc(5), comm)
Facts = Mapping[str, Any]


def check_host(
    site: Site,
    host: str,
    facts: Facts,
    volume: requirements.Volume,
    missing: Mapping[str, int] = MappingProxyType({}),
) -> list[Finding]:
    """Judge one host by what its collector returned.

    Args:
        site: The declared site.
        host: Name of the host.
        facts: What `collect` returned there.
        volume: What the bundle brings.
        missing: What a host that holds an older bundle's content lacks, in MiB by directory.

    Returns:
        Every finding about this host alone.
    """
    return [
        *check_system(site, host, facts),
        *check_interface(site, host, facts),
        *check_host_networks(site, host, facts),
        *check_ports(site, host, facts),
        *check_space(site, host, facts, volume, missing),
    ]


def check_unreached(host: str, reason: str) -> Finding:
    """Report a host that could not be looked at.

    Args:
        host: Name of the host.
        reason: Ansible's message.
    """
    first_line = reason.strip().partition("\n")[0]
    return Finding(
        host,
        "reachable/no-answer",
        f"cannot be looked at: {first_line}",
        "an answer over SSH as root, with Python 3.10 or newer",
        f"bring {host} back, correct its address or key, or add it to group absent if it is dead",
    )


def check_machine_ids(site: Site, facts_by_host: Mapping[str, Facts]) -> Iterator[Finding]:
    """Find clones that kept the machine id of their image.

    Hosts with one address are one machine, which the check of addresses says better.
    """
    holders: dict[str, list[str]] = defaultdict(list)
    for host, facts in facts_by_host.items():
        if len(facts["machine_id"]) == 32:
            holders[facts["machine_id"]].append(host)
    for machine_id, hosts in holders.items():
        addresses = {site.address(host) for host in hosts}
        for host in hosts if len(addresses) > 1 else ():
            others = ", ".join(other for other in hosts if other != host)
            yield Finding(
                host,
                "machine-id/shared",
                f"machine id {machine_id}, which is also that of {others}",
                "an id of its own in /etc/machine-id",
                "make a new one: rm /etc/machine-id; systemd-machine-id-setup; reboot",
            )


def check_system(site: Site, host: str, facts: Facts) -> Iterator[Finding]:
    """Find a system that the platform was not made for."""
    system = facts["os"]
    if system["version"] not in requirements.SYSTEMS.get(system["id"], ()):
        yield Finding(
            host,
            "system/release",
            f"{system['id'] or 'unknown'} {system['version']}".rstrip(),
            "Debian 12 or 13, or Ubuntu 24.04",
            "install one of them",
        )
    version = tuple(int(part) for part in facts["python"].split(".")[:2])
    if version < requirements.PYTHON:
        wanted = ".".join(str(part) for part in requirements.PYTHON)
        yield Finding(
            host,
            "system/python",
            f"Python {facts['python']}",
            f"Python {wanted} or newer",
            "install it, and name it in ansible_python_interpreter",
        )
    if facts["architecture"] not in requirements.ARCHITECTURES:
        yield Finding(
            host,
            "system/architecture",
            f"architecture {facts['architecture']}",
            ", ".join(requirements.ARCHITECTURES),
            "use a host of that architecture: the bundle has programs for no other",
        )
    if facts["uid"] != 0:
        yield Finding(
            host,
            "system/user",
            f"the connection's user has uid {facts['uid']}",
            "root",
            "set ansible_user to root, or ansible_become to true",
        )
    if not facts["systemd"]:
        yield Finding(host, "system/init", "no systemd", "systemd as init", "boot with systemd")
    legacy = site.variables.get("kube_legacy_cgroup_enabled", False)
    if requirements.is_node(site, host) and facts["cgroup"] == 1 and not legacy:
        yield Finding(
            host,
            "system/cgroup-v1",
            "cgroup v1",
            "cgroup v2: kubelet refuses v1 since Kubernetes 1.35",
            "boot with systemd.unified_cgroup_hierarchy=1",
        )


def check_interface(site: Site, host: str, facts: Facts) -> Iterator[Finding]:
    """Find a host that does not have the address or the interface the inventory says."""
    interface = site.host_variables.get(host, {}).get("node_interface")
    if isinstance(interface, str) and interface not in facts["interfaces"]:
        yield Finding(
            host,
            "interface/missing",
            f"no interface {interface}; it has {', '.join(facts['interfaces'])}",
            "the interface that carries node_address",
            "correct node_interface",
        )
    address = site.address(host)
    if address and address not in facts["addresses"]:
        yield Finding(
            host,
            "interface/address",
            f"the host has {', '.join(facts['addresses']) or 'no address'}",
            f"its node_address {address}",
            "correct node_address, or configure the address on the host",
        )


def check_host_networks(site: Site, host: str, facts: Facts) -> Iterator[Finding]:
    """Find a network of the host that pods or services are to have.

    On a host that we manage only node_interface counts, for the others are our own pod network.
    """
    own = site.host_variables.get(host, {}).get("node_interface")
    for name in ("kube_pod_subnet", "kube_service_subnet"):
        try:
            subnet = parse_network(site.text(name))
        except InputError:
            continue  # the check of variables names the malformed value
        for network in facts["networks"]:
            if facts["managed"] and network["interface"] != own:
                continue
            if networks_overlap(subnet, parse_network(network["network"])):
                yield Finding(
                    host,
                    "networks/on-host",
                    f"{network['network']} on {network['interface']} overlaps {name} {subnet}",
                    "a network that no host uses",
                    f"choose another {name}, or take the network off the host",
                )


def check_ports(site: Site, host: str, facts: Facts) -> Iterator[Finding]:
    """Find ports that our programs need and another program holds.

    On a host that we manage, a listener with the name of our own program is our own.
    """
    wanted = {(port.protocol, port.number): port for port in requirements.ports(site, host)}
    for listener in facts["listeners"]:
        port = wanted.get((listener["protocol"], listener["port"]))
        if port is None:
            continue
        ours = facts["managed"] and listener["program"] == port.program[:_COMM_LENGTH]
        if not ours:
            yield Finding(
                host,
                "ports/taken",
                f"{port.protocol} port {port.number} taken by"
                f" {listener['program'] or 'a process that is not visible'}",
                f"free for {port.program or 'the pod network'}",
                f"stop and disable what listens there: ss -lnp 'sport = :{port.number}'",
            )


def check_space(
    site: Site, host: str, facts: Facts, volume: requirements.Volume, missing: Mapping[str, int]
) -> Iterator[Finding]:
    """Find file systems with too little space, or that cannot be written."""
    sizes = requirements.SIZES.get(site.text("site_sizing"))
    if sizes is None:
        return  # the check of variables names the wrong value
    settled = bool(facts["mirror_filled"] or facts["cluster_ca"])
    lacking = missing if settled else None
    needed = requirements.space_mib(site, host, sizes, volume, lacking)
    by_device: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for disk in facts["disks"]:
        if disk["path"] in needed:
            by_device[disk["device"]].append(disk)
    for disks in by_device.values():
        yield from _device(host, disks, needed, sizes.settled_mib)


def _device(
    host: str, disks: list[Mapping[str, Any]], needed: Mapping[str, int], least: int
) -> Iterator[Finding]:
    """Judge one file system, on which several of our directories may lie."""
    mounts = ", ".join(sorted({disk["mount"] for disk in disks}))
    paths = ", ".join(disk["path"] for disk in disks)
    free = min(disk["free_mib"] for disk in disks)
    total = max(sum(needed[disk["path"]] for disk in disks), least)
    action = "free space there, or give it a larger disk"
    if any(disk["read_only"] for disk in disks):
        found = f"{mounts} is mounted read-only"
        action = "find out why in the kernel's log, then mount it read-write"
        yield Finding(host, "disk/read-only", found, f"writable (for {paths})", action)
    elif free < total:
        wanted = f"{total} MiB free (for {paths})"
        yield Finding(host, "disk/space", f"{mounts}: {free} MiB free", wanted, action)
    elif any(0 <= disk["free_inodes"] < 10000 for disk in disks):
        found = f"{mounts}: {min(disk['free_inodes'] for disk in disks)} inodes free"
        wanted = f"10000 inodes free (for {paths})"
        yield Finding(host, "disk/inodes", found, wanted, action)

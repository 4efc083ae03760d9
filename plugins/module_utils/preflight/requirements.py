# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host must bring: operating system, memory, free ports and free space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_network import needs
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    CONTROL_PLANE,
    MIRROR,
    NODES,
    Site,
)

PYTHON = (3, 10)  # what the host engine is written for
SYSTEMS = {"debian": ("12", "13"), "ubuntu": ("24.04",)}
ARCHITECTURES = {"x86_64": "amd64"}  # uname's name: the bundle's name

ETCD = "/var/lib/etcd"
CONTAINERD = "/var/lib/containerd"
KUBELET = "/var/lib/kubelet"
STATE = "/var/lib/biomax-platform"
PROGRAMS = "/usr/local/bin"
BUNDLE = "/srv/biomax-platform"
PATHS = ("/", PROGRAMS, STATE, CONTAINERD, KUBELET, ETCD, BUNDLE)


@dataclass(frozen=True)
class Port:
    """A port that a program of ours takes.

    `program` is the name of its process; it is empty when the kernel itself listens (VXLAN).
    """

    protocol: str
    number: int
    program: str


# Ports as kubeadm's documentation lists them, and those of our own programs.
NODE_PORTS = (
    Port("tcp", 10250, "kubelet"),
    Port("tcp", 10248, "kubelet"),
    Port("tcp", 10249, "kube-proxy"),
    Port("tcp", 10256, "kube-proxy"),
)
CONTROL_PLANE_PORTS = (
    Port("tcp", 2379, "etcd"),
    Port("tcp", 2380, "etcd"),
    Port("tcp", 10257, "kube-controller-manager"),
    Port("tcp", 10259, "kube-scheduler"),
)
MIRROR_PORTS = (
    Port("tcp", 443, "nginx"),
    Port("tcp", 5000, "registry"),
)


@dataclass(frozen=True)
class Size:
    """What a kind of host must bring at least: processors, memory in MiB."""

    cpus: int
    memory_mib: int


@dataclass(frozen=True)
class Sizes:
    """Smallest hosts, network cards (Mbit/s) and free space by directory (MiB) of a sizing.

    `pools` overrides `node` by the name of the pool. `settled` is the free space that a host must
    keep once it is a member or a filled mirror. Containerd's directory takes the images on top.
    """

    control_plane: Size
    node: Size
    mirror: Size
    pools: Mapping[str, Size]
    link_mbit: int
    etcd_mib: int
    containerd_mib: int
    kubelet_mib: int
    system_mib: int
    settled_mib: int


# Memory: the asked size less a tenth, since firmware and kernel keep a part. Network: 1 Gbit/s
# does for a common etcd cluster, 10 Gbit/s shortens the recovery of a large one (etcd.io/docs,
# hardware recommendations). A lab is as small as it is.
SIZES = {
    "lab": Sizes(
        control_plane=Size(1, 900),
        node=Size(1, 450),
        mirror=Size(1, 450),
        pools={},
        link_mbit=0,
        etcd_mib=256,
        containerd_mib=256,
        kubelet_mib=256,
        system_mib=768,
        settled_mib=64,
    ),
    "mvp": Sizes(
        control_plane=Size(2, 3600),
        node=Size(4, 7300),
        mirror=Size(1, 1800),
        pools={},
        link_mbit=1000,
        etcd_mib=10240,
        containerd_mib=10240,
        kubelet_mib=5120,
        system_mib=3072,
        settled_mib=2048,
    ),
    "scale": Sizes(
        control_plane=Size(4, 7300),
        node=Size(8, 29000),
        mirror=Size(2, 3600),
        pools={"database": Size(8, 58900), "ml-inference": Size(16, 58900)},
        link_mbit=10000,
        etcd_mib=10240,
        containerd_mib=20480,
        kubelet_mib=10240,
        system_mib=5120,
        settled_mib=4096,
    ),
}


def is_node(site: Site, host: str) -> bool:
    """Tell whether a host is to be a node of the cluster."""
    return host in site.group(CONTROL_PLANE) or host in site.group(NODES)


def size(site: Site, host: str) -> Size | None:
    """Return how large a host must be, the largest of its kinds; None for an unknown sizing."""
    sizes = SIZES.get(site.text("site_sizing"))
    if sizes is None:
        return None
    kinds = [(CONTROL_PLANE, sizes.control_plane), (MIRROR, sizes.mirror)]
    kinds += [(NODES, sizes.pools.get(pool, sizes.node)) for pool in site.pools(host) or [""]]
    found = [kind for group, kind in kinds if host in site.group(group)]
    return Size(
        max((kind.cpus for kind in found), default=0),
        max((kind.memory_mib for kind in found), default=0),
    )


def link_mbit(site: Site) -> int:
    """Return how fast a network card must be, in Mbit/s; 0 where nothing is asked."""
    sizes = SIZES.get(site.text("site_sizing"))
    return sizes.link_mbit if sizes else 0


def ports(site: Site, host: str) -> list[Port]:
    """Return the ports that our programs take on a host."""
    taken: list[Port] = []
    if is_node(site, host):
        taken += [*NODE_PORTS, *(Port(*port) for port in needs(site))]
    if host in site.group(CONTROL_PLANE):
        taken += CONTROL_PLANE_PORTS
        for name, program in (
            ("kube_api_port", "haproxy"),
            ("kube_api_backend_port", "kube-apiserver"),
        ):
            number = site.variables.get(name)
            if isinstance(number, int):
                taken.append(Port("tcp", number, program))
    if host in site.group(MIRROR):
        taken += MIRROR_PORTS
    return taken


@dataclass(frozen=True)
class Volume:
    """Sizes of what the bundle brings, in MiB; zero when the bundle is not known."""

    images_mib: int = 0
    bundle_mib: int = 0


def space_mib(
    site: Site, host: str, sizes: Sizes, volume: Volume, missing: Mapping[str, int] | None
) -> dict[str, int]:
    """Return the free space that a host needs, in MiB, by directory.

    Args:
        site: The declared site.
        host: Name of the host.
        sizes: Sizes of the site's sizing.
        volume: What the bundle brings.
        missing: On a host that already holds what a bundle brought: what it lacks of today's, in
            MiB by directory. None on a host that holds nothing.
    """
    first = {"/": sizes.system_mib, PROGRAMS: 0, STATE: 0}
    if is_node(site, host):
        # An image is kept twice: as the blob that was pulled and as the unpacked layer.
        first |= {
            CONTAINERD: sizes.containerd_mib + 2 * volume.images_mib,
            KUBELET: sizes.kubelet_mib,
        }
    if host in site.group(CONTROL_PLANE):
        first[ETCD] = sizes.etcd_mib
    if host in site.group(MIRROR):
        # The bundle lies there once as files and once more in the registry's store.
        first[BUNDLE] = volume.bundle_mib + volume.images_mib
    if missing is None:
        return first
    kept = {path: sizes.settled_mib for path in first if first[path]}
    more = {path: kept.get(path, 0) + missing[path] for path in missing if path in first}
    return dict.fromkeys(first, 0) | kept | more

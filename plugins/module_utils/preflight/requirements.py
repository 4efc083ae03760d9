# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host must bring: operating system, memory, free ports and free space."""

from __future__ import annotations

from dataclasses import dataclass

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
    """A port that a program of ours takes; `program` is the name of its process."""

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
class Sizes:
    """Smallest memory by kind of host and smallest free space by directory, in MiB.

    `settled` is the free space that a host must keep once it is a member or a filled mirror.
    Containerd's directory takes the images on top.
    """

    control_plane_mib: int
    node_mib: int
    mirror_mib: int
    etcd_mib: int
    containerd_mib: int
    kubelet_mib: int
    system_mib: int
    settled_mib: int


# Memory: the asked size less a tenth, since firmware and kernel keep a part of it.
SIZES = {
    "lab": Sizes(900, 450, 450, 256, 256, 256, 768, 64),
    "mvp": Sizes(3600, 7300, 1800, 10240, 10240, 5120, 3072, 2048),
    "scale": Sizes(7300, 29000, 3600, 10240, 20480, 10240, 5120, 4096),
}


def is_node(site: Site, host: str) -> bool:
    """Tell whether a host is to be a node of the cluster."""
    return host in site.group(CONTROL_PLANE) or host in site.group(NODES)


def memory_mib(site: Site, host: str, sizes: Sizes) -> int:
    """Return the smallest memory of a host, the largest of its kinds, in MiB."""
    kinds = (
        (CONTROL_PLANE, sizes.control_plane_mib),
        (NODES, sizes.node_mib),
        (MIRROR, sizes.mirror_mib),
    )
    return max((size for group, size in kinds if host in site.group(group)), default=0)


def ports(site: Site, host: str) -> list[Port]:
    """Return the ports that our programs take on a host."""
    taken: list[Port] = []
    if is_node(site, host):
        taken += NODE_PORTS
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


def space_mib(site: Site, host: str, sizes: Sizes, volume: Volume, settled: bool) -> dict[str, int]:
    """Return the free space that a host needs, in MiB, by directory.

    Args:
        site: The declared site.
        host: Name of the host.
        sizes: Sizes of the site's sizing.
        volume: What the bundle brings.
        settled: The host already holds what the bundle brings.
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
    if settled:
        return dict.fromkeys(first, 0) | {path: sizes.settled_mib for path in first if first[path]}
    return first

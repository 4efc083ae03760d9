# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every finding that preflight can report: its stable id, how grave it is, what it means.

Programs and people refer to findings by id: an id is never given to another meaning. A test fails
when an id here has no test that plants it and one in which it stays silent, when a check reports
an id that is not here, and when docs/guide/preflight.md does not list it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STOP = "stop"
WARNING = "warning"

# id (`topic/what`): what is wrong. The run does not begin while one of these stands.
_STOPS = {
    "addresses/outside": "a host's address is not inside host_networks",
    "addresses/shared": "two hosts have one address",
    "bundle/architecture": "a host's processors are not those the bundle was built for",
    "bundle/damaged": "files of the bundle are missing or not what its signed index says",
    "bundle/missing": "a role needs what the bundle does not hold",
    "bundle/needs-unknown": "what a role needs cannot be told",
    "bundle/unusable": "no bundle, or its signature does not hold",
    "clock/no-source": "no time server answers a host",
    "clock/wrong": "a clock is more than a minute wrong",
    "control-plane/even": "the number of control-plane hosts is even",
    "control-plane/quorum-lost": "so many control-plane hosts are absent that etcd has no quorum",
    "cpu/few": "a host has fewer processors than its role needs",
    "disk/inodes": "a file system has too few inodes left",
    "disk/read-only": "a file system that is written to is mounted read-only",
    "disk/space": "a file system has too little space for what will lie there",
    "endpoint/host-address": "the virtual address of the API is a host's own",
    "endpoint/one-port": "HAProxy and the API server are given one port",
    "endpoint/outside": "the virtual address of the API is not inside host_networks",
    "etcd-disk/unfit": "a disk needs longer for a durable write than etcd's heartbeat",
    "groups/empty": "a group that a site needs has no host",
    "groups/only-absent": "a host is in group absent and nowhere else",
    "groups/two-roles": "a host is a control-plane host and a worker",
    "interface/address": "a host does not have its node_address",
    "interface/missing": "a host does not have its node_interface",
    "kernel/feature": "the kernel lacks a feature that a node needs",
    "kernel/old": "the kernel is too old",
    "lab-only/setting": "a setting for the lab on a site that is none",
    "leftovers/cluster": "certificates or configuration of another cluster lie on a host",
    "leftovers/etcd": "etcd data lies on a host that is no member",
    "machine-id/shared": "two machines have one machine id",
    "memory/small": "a host has less memory than its role needs",
    "names/endpoint": "the name of the API is a host's own",
    "names/refused": "Kubernetes refuses the name of a host",
    "names/shared": "two hosts have one name",
    "network/blocks": "too few blocks of pod addresses for the pools at their largest",
    "network/mtu": "an MTU that leaves no room for pods, or an unknown encapsulation",
    "network/peers": "BGP routers are told, and no BGP runs",
    "network/proxy-mode": "kube-proxy runs in another mode than the pod network",
    "network/routes": "nodes in several networks, without encapsulation and without a router",
    "networks/dns-address": "the DNS address is no service address",
    "networks/on-host": "a network of a host overlaps that of pods or services",
    "networks/overlap": "declared networks overlap",
    "networks/pool": "an address pool for services holds addresses that something else has",
    "packages/held": "a package that a role installs is held and not installed",
    "packages/pinned": "a preference of apt forbids a package that a role installs",
    "path/mtu": "packets as large as the interface's MTU are lost on the way to a peer",
    "pools/membership": "a worker is in no pool or in several",
    "pools/size": "a pool has fewer or more hosts than its bounds allow",
    "ports/taken": "a port of ours is held by another program",
    "reachable/no-answer": "a host does not answer and is not in group absent",
    "resolution/order": "a host asks the network before its hosts file",
    "system/architecture": "processors for which there are no programs",
    "system/cgroup-v1": "control groups version 1, except in the lab",
    "system/init": "systemd is not running",
    "system/python": "Python is too old",
    "system/release": "an operating system that the platform was not made for",
    "system/user": "the connection's user is not root",
    "variables/missing": "a required variable is not set",
    "variables/unknown": "a variable that nothing reads",
    "variables/unreadable": "a variable whose value cannot be resolved",
    "variables/wrong": "a variable has a value of a wrong type",
    "versions/apart": "API servers are more than one minor apart",
    "versions/downgrade": "kube_version is older than a running API server",
    "versions/kubelet": "a kubelet is newer than an API server, or more than three minors older",
    "versions/skips-minor": "kube_version is more than one minor ahead of a running API server",
}

# The run goes on, and says so.
_WARNINGS = {
    "clock/controller": "the controller's clock differs from the site's time servers",
    "clock/skew": "a clock is more than a second wrong",
    "clock/source-silent": "one of several time servers does not answer a host",
    "clock/source-unsynchronised": "a time server has no time itself",
    "control-plane/absent": "a control-plane host is absent; the quorum holds",
    "etcd-disk/slow": "a disk is slower than etcd asks",
    "nic/half-duplex": "a network card runs half duplex",
    "nic/mtu-differs": "a node's interface has another MTU than most",
    "nic/slow": "a network card runs slower than the site's size needs",
    "packages/held-installed": "a package of ours is held: it gets no updates",
    "path/silent": "a peer does not answer an echo request",
    "resolution/contradiction": "DNS knows the API at another address",
    "resolution/hosts-file": "the hosts file gives a name of the site to another address",
    "resolution/silent": "a name server of a host does not answer",
}

LEVELS: Mapping[str, str] = MappingProxyType(
    {**dict.fromkeys(_STOPS, STOP), **dict.fromkeys(_WARNINGS, WARNING)}
)
MEANINGS: Mapping[str, str] = MappingProxyType({**_STOPS, **_WARNINGS})

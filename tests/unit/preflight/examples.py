# SPDX-License-Identifier: GPL-3.0-or-later
"""A clean site and clean hosts; tests change one thing and look for a finding."""

from __future__ import annotations

from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_kernel import (
    FEATURES,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import PATHS
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    Definition,
    Site,
)

ADDRESSES = {
    "m1": "192.0.2.10",
    "cp1": "192.0.2.21",
    "cp2": "192.0.2.22",
    "cp3": "192.0.2.23",
    "w1": "192.0.2.31",
}
SEALED = "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
VARIABLES: dict[str, Any] = {
    "site_name": "example",
    "site_domain": "site.example.com",
    "site_state_dir": "/home/operator/site",
    "site_sizing": "mvp",
    "kube_version": "1.36.3",
    "kube_etcd_version": "3.6.16",
    "kube_etcd_image_tag": "3.6.16-0",
    "kube_coredns_version": "1.14.2",
    "kube_pause_version": "3.10.2",
    "node_pools": {
        "application": {
            "group": "pool_application",
            "labels": {"workload": "application"},
            "taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}],
            "min": 1,
            "max": 3,
        }
    },
    "host_networks": ["192.0.2.0/24"],
    "kube_pod_subnet": "10.244.0.0/16",
    "kube_service_subnet": "10.96.0.0/12",
    "kube_dns_domain": "cluster.local",
    "kube_dns_address": "10.96.0.10",
    "network_provider": "routed",
    "storage_provider": "ceph",
    "object_store_provider": "external",
    "dns_upstream_servers": [],
    "load_balancer_pools": [
        {"name": "public", "addresses": ["203.0.113.200-203.0.113.219"], "auto_assign": False}
    ],
    "kube_api_endpoint": "api.site.example.com",
    "kube_api_address": "192.0.2.5",
    "kube_api_port": 8443,
    "kube_api_backend_port": 6443,
    "mirrors": [
        {
            "host": "m1",
            "name": "m1.site.example.com",
            "address": "192.0.2.10",
            "url": "https://m1.site.example.com",
        }
    ],
    "mirror_ca_certificate": CERTIFICATE,
    "mirror_tls_certificate": CERTIFICATE,
    "mirror_tls_key": "secret",
    "bundle_dir": "/home/operator/bundle",
    "bundle_public_key": "ssh-ed25519 AAAA",
    "bundle_apt_key": "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx",
    "escrow_recipient": "age1" + "q" * 58,
    "site_secret": "A" * 43 + "=",
    "site_secret_sealed": SEALED,
    "time_servers": ["192.0.2.10"],
}


def example_site(
    addresses: dict[str, str] | None = None, groups: dict[str, list[str]] | None = None, **site: Any
) -> Site:
    """Return the clean site with some addresses, groups and site variables changed."""
    hosts = {**ADDRESSES, **(addresses or {})}
    variables = {**VARIABLES, **site}
    return Site(
        groups={
            "mirror": ["m1"],
            "kube_control_plane": ["cp1", "cp2", "cp3"],
            "kube_node": ["w1"],
            "pool_application": ["w1"],
            "absent": [],
            **(groups or {}),
        },
        variables=variables,
        host_variables={
            host: {"node_address": address, "node_interface": "eth0", "failure_domain": "a"}
            for host, address in hosts.items()
        },
        definitions=[Definition(name, "group all") for name in variables],
    )


def answer(**changes: Any) -> dict[str, Any]:
    """Return what a time server told a host whose clock is right."""
    told = {"server": "192.0.2.10", "answered": True, "offset": 0.002, "delay": 0.001}
    return {**told, "stratum": 3, "synchronised": True, **changes}


def path(peer: str, *through: int) -> dict[str, Any]:
    """Return what a probe of the path to a peer gave; without sizes the whole MTU gets through."""
    return {"peer": peer, "address": ADDRESSES[peer], "through": list(through or (84, 1500))}


def disk_latency(p99_ms: float = 1.5, state: str = "measured", **changes: Any) -> dict[str, Any]:
    """Return the latency of a disk."""
    return {"state": state, "p99_ms": p99_ms, "samples": 1000, "directory": "/var/lib", **changes}


def example_facts(host: str = "cp1", **changes: Any) -> dict[str, Any]:
    """Return what the collector says of a clean host, with some of it changed."""
    number = list(ADDRESSES).index(host)
    return {
        "python": "3.11.2",
        "uid": 0,
        "architecture": "x86_64",
        "machine_id": f"{number:032x}",
        "os": {"id": "debian", "version": "12"},
        "systemd": True,
        "cgroup": 2,
        "memory_mib": 16000,
        "cpus": 8,
        "kernel": {"release": "6.1.0-40-amd64", "features": dict.fromkeys(FEATURES, True)},
        "clock": {"low": -0.02, "high": 0.3},
        "time": [answer()] if host != "m1" else [],
        "link": {"mtu": 1500, "speed": 10000, "duplex": "full"},
        "paths": [path("m1")] if host != "m1" else [],
        "names": {"hosts": {}, "order": ["files", "dns"], "servers": []},
        "resolver": [],
        "etcd_disk": disk_latency() if host.startswith("cp") else {},
        "mirror_holds": None,
        "image_blobs": [],
        "api_version": "",
        "held": [],
        "pins": [],
        "addresses": [ADDRESSES[host]],
        "interfaces": ["eth0", "lo"],
        "networks": [{"interface": "eth0", "network": "192.0.2.0/24"}],
        "listeners": [{"protocol": "tcp", "port": 22, "program": "sshd"}],
        "disks": [
            {
                "path": path,
                "mount": "/",
                "device": 1,
                "free_mib": 200000,
                "free_inodes": 1000000,
                "read_only": False,
            }
            for path in PATHS
        ],
        "packages": ["systemd"],
        "managed": False,
        "mirror_filled": False,
        "cluster_ca": "",
        "kubernetes_files": [],
        "etcd_data": False,
        **changes,
    }


def all_facts(**changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the facts of every host of the clean site; `changes` by host."""
    return {host: example_facts(host, **changes.get(host, {})) for host in ADDRESSES}

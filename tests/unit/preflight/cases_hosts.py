# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about single hosts and the bundle: each with its fault, and with a neighbour of it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_bundle import Need
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import (
    BUNDLE,
    CONTAINERD,
)

from tests.unit.preflight.examples import disk_latency, example_facts
from tests.unit.preflight.scenes import CONTROL_PLANE, FORMED, MEMBER, THEIRS, Case, Scene

SITE = "(site)"


def on(host: str, **changes: Any) -> Scene:
    """Return the clean site where one host says something else."""
    return Scene(facts={host: changes})


def disk(directory: str, host: str = "w1", **changes: Any) -> Scene:
    """Return the clean site where one directory of a host is a file system of its own."""
    entries = [
        {**entry, "mount": directory, "device": 2, **changes}
        if entry["path"] == directory
        else entry
        for entry in example_facts()["disks"]
    ]
    return on(host, disks=entries)


def listening(port: int, program: str, **changes: Any) -> dict[str, Any]:
    """Return facts of a host where a program listens."""
    return {"listeners": [{"protocol": "tcp", "port": port, "program": program}], **changes}


def sign(bundle: Path, key: Path) -> None:
    """Sign the index of a bundle."""
    index = bundle / "index.json"
    index.with_suffix(".json.sig").unlink()
    command = ["ssh-keygen", "-Y", "sign", "-n", "biomax-bundle", "-f", str(key), str(index)]
    subprocess.run(command, check=True, capture_output=True)


def for_arm(bundle: Path, key: Path) -> None:
    """Make the bundle one for other processors."""
    index = bundle / "index.json"
    index.write_text(index.read_text().replace('"arch": "amd64"', '"arch": "arm64"'))
    sign(bundle, key)


def damage(bundle: Path, _: Path) -> None:
    """Flip a bit of one file."""
    path = bundle / "files/kubelet"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)


CASES = [
    Case(
        "bundle/architecture",
        Scene(bundle=for_arm),
        "m1 cp1 cp2 cp3 w1",
        "the host is amd64, the bundle is for arm64",
        Scene(bundle=sign),
    ),
    Case(
        "bundle/damaged",
        Scene(bundle=damage),
        SITE,
        "are missing or not what the signed index lists: files/kubelet",
        Scene(bundle=lambda directory, _: (directory / "files/kubelet").touch()),
    ),
    Case(
        "bundle/missing",
        Scene(needs=[Need("file", "kubelet", "1.35.4", "kubernetes_node")]),
        SITE,
        "file kubelet 1.35.4 is not in the bundle (it has version 1.36.3)",
        Scene(needs=[Need("file", "kubelet", "1.36.3", "kubernetes_node")]),
    ),
    Case(
        "bundle/needs-unknown",
        Scene(unreadable_roles={"network": "'x' is undefined"}),
        SITE,
        "what role network needs cannot be told: 'x' is undefined",
        Scene(needs=[Need("package", "awk", "", "network")]),
    ),
    Case(
        "bundle/unusable",
        Scene(bundle=lambda directory, _: (directory / "index.json.sig").unlink()),
        SITE,
        "the bundle cannot be used",
        Scene(bundle=lambda directory, _: (directory / "notes.txt").touch()),
    ),
    Case(
        "cpu/few",
        on("w1", cpus=3),
        "w1",
        "3 processors",
        on("w1", cpus=4),
    ),
    Case(
        "disk/inodes",
        disk(CONTAINERD, free_inodes=9999),
        "w1",
        f"{CONTAINERD}: 9999 inodes free",
        disk(CONTAINERD, free_inodes=10000),
    ),
    Case(
        "disk/read-only",
        disk(CONTAINERD, read_only=True),
        "w1",
        f"{CONTAINERD} is mounted read-only",
        disk(BUNDLE, read_only=True),
    ),
    Case(
        "disk/space",
        disk(CONTAINERD, free_mib=10240 + 99),
        "w1",
        f"{CONTAINERD}: 10339 MiB free",
        disk(CONTAINERD, free_mib=10240 + 100),
    ),
    Case(
        "etcd-disk/slow",
        on("cp1", etcd_disk=disk_latency(10.1)),
        "cp1",
        "1 of 100 writes in /var/lib takes longer than 10.1 ms (1000 writes)",
        on("cp1", etcd_disk=disk_latency(9.9)),
    ),
    Case(
        "etcd-disk/unfit",
        on("cp1", etcd_disk=disk_latency(100.1)),
        "cp1",
        "takes longer than 100.1 ms",
        # A member's own numbers, whatever they are, never stop a run.
        Scene(
            facts={**FORMED, "cp1": {**CONTROL_PLANE, "etcd_disk": disk_latency(200, "observed")}}
        ),
        near_also=("etcd-disk/slow",),
    ),
    Case(
        "interface/address",
        on("w1", addresses=["192.0.2.77"]),
        "w1",
        "the host has 192.0.2.77",
        on("w1", addresses=["192.0.2.31", "192.0.2.77"]),
    ),
    Case(
        "interface/missing",
        on("w1", interfaces=["ens3", "lo"]),
        "w1",
        "no interface eth0; it has ens3, lo",
        on("w1", interfaces=["ens3", "eth0", "lo"]),
    ),
    Case(
        "kernel/feature",
        on(
            "w1",
            kernel={
                "release": "6.1.0",
                "features": {**example_facts()["kernel"]["features"], "nft_numgen": False},
            },
        ),
        "w1",
        "kernel 6.1.0 has no nft_numgen",
        on(
            "w1",
            kernel={
                "release": "6.1.0",
                "features": {**example_facts()["kernel"]["features"], "wireguard": False},
            },
        ),
    ),
    Case(
        "kernel/old",
        on("w1", kernel={**example_facts()["kernel"], "release": "5.10.0-30-amd64"}),
        "w1",
        "kernel 5.10.0-30-amd64",
        on("w1", kernel={**example_facts()["kernel"], "release": "5.13.0"}),
    ),
    Case(
        "leftovers/cluster",
        Scene(facts={**FORMED, "w1": {**MEMBER, "cluster_ca": THEIRS}}),
        "w1",
        "another cluster's /etc/kubernetes: authority sha256:ffffffffffff…",
        Scene(facts=FORMED),
    ),
    Case(
        "leftovers/etcd",
        on("cp1", etcd_data=True),
        "cp1",
        "data of an etcd member in /var/lib/etcd",
        Scene(facts={"cp1": CONTROL_PLANE}),
    ),
    Case(
        "machine-id/shared",
        Scene(facts={"cp1": {"machine_id": "c" * 32}, "w1": {"machine_id": "c" * 32}}),
        "cp1 w1",
        f"machine id {'c' * 32}, which is also that of",
        Scene(facts={"cp1": {"machine_id": "c" * 32}, "w1": {"machine_id": "d" * 32}}),
    ),
    Case(
        "memory/small",
        on("w1", memory_mib=7299),
        "w1",
        "7299 MiB",
        on("w1", memory_mib=7300),
    ),
    Case(
        "networks/on-host",
        on("w1", networks=[{"interface": "docker0", "network": "10.96.0.0/24"}]),
        "w1",
        "10.96.0.0/24 on docker0 overlaps kube_service_subnet",
        on("w1", networks=[{"interface": "docker0", "network": "172.17.0.0/16"}]),
    ),
    Case(
        "packages/held",
        Scene(facts={"w1": {"held": ["runc"]}}),
        "w1",
        "runc is held and not installed",
        Scene(facts={"w1": {"held": ["vim"]}}),
    ),
    Case(
        "packages/held-installed",
        on("w1", held=["runc"], packages=["runc"]),
        "w1",
        "runc is held",
        on("w1", packages=["runc"]),
    ),
    Case(
        "packages/pinned",
        on("w1", pins=[{"package": "run*", "priority": -1, "file": "/etc/apt/preferences"}]),
        "w1",
        "/etc/apt/preferences forbids run* (priority -1)",
        on("w1", pins=[{"package": "cron*", "priority": -1, "file": "/etc/apt/preferences"}]),
    ),
    Case(
        "ports/taken",
        on("cp1", **listening(6443, "java")),
        "cp1",
        "tcp port 6443 taken by java",
        on("w1", **listening(6443, "java")),
    ),
    Case(
        "reachable/no-answer",
        Scene(unreached={"w1": "No route to host\nmore"}),
        "w1",
        "cannot be looked at: No route to host",
        Scene(groups={"absent": ["w1"]}),
    ),
    Case(
        "system/architecture",
        on("w1", architecture="riscv64"),
        "w1",
        "architecture riscv64",
        on("w1", architecture="x86_64"),
    ),
    Case(
        "system/cgroup-v1",
        on("w1", cgroup=1),
        "w1",
        "cgroup v1",
        Scene(
            facts={"w1": {"cgroup": 1}},
            site={"site_sizing": "lab", "kube_legacy_cgroup_enabled": True},
        ),
    ),
    Case(
        "system/init",
        on("w1", systemd=False),
        "w1",
        "no systemd",
        on("w1", systemd=True),
    ),
    Case(
        "system/python", on("w1", python="3.9.2"), "w1", "Python 3.9.2", on("w1", python="3.10.0")
    ),
    Case(
        "system/release",
        on("w1", os={"id": "debian", "version": "11"}),
        "w1",
        "debian 11",
        on("w1", os={"id": "debian", "version": "13"}),
    ),
    Case("system/user", on("w1", uid=1000), "w1", "uid 1000", on("w1", uid=0)),
    Case(
        "versions/apart",
        Scene(
            facts={
                **FORMED,
                "cp1": {**CONTROL_PLANE, "api_version": "1.34.9"},
            },
            site={"kube_version": "1.36.3"},
        ),
        "cp1",
        "API server 1.34.9 beside 1.36.3",
        Scene(facts={**FORMED, "cp1": {**CONTROL_PLANE, "api_version": "1.35.4"}}),
        also=("versions/skips-minor",),
    ),
    Case(
        "versions/downgrade",
        Scene(facts={**FORMED, "cp1": {**CONTROL_PLANE, "api_version": "1.36.4"}}),
        "cp1",
        "API server 1.36.4 runs",
        Scene(facts={**FORMED, "cp1": {**CONTROL_PLANE, "api_version": "1.36.2"}}),
    ),
    Case(
        "versions/kubelet",
        Scene(facts=FORMED, kubelets={"cp1": "1.36.3", "w1": "1.32.9"}),
        "w1",
        "kubelet 1.32.9 beside API server 1.36.3",
        Scene(facts=FORMED, kubelets={"cp1": "1.36.3", "w1": "1.33.0"}),
    ),
    Case(
        "versions/skips-minor",
        Scene(
            facts={
                host: {**facts, "api_version": "1.34.9"} if "api_version" in facts else facts
                for host, facts in FORMED.items()
            }
        ),
        "cp1 cp2 cp3",
        "API server 1.34.9 runs, kube_version is 1.36.3",
        Scene(
            facts={
                host: {**facts, "api_version": "1.35.0"} if "api_version" in facts else facts
                for host, facts in FORMED.items()
            }
        ),
    ),
]

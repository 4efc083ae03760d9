# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says about itself. Read-only; standard library only: this runs on hosts."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.etcd_metrics import METRICS
from ansible_collections.biomax.platform.plugins.module_utils.common.listeners import listeners
from ansible_collections.biomax.platform.plugins.module_utils.preflight import collect_latency
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_bundle import (
    held_by_mirror,
    image_blobs,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_disks import (
    disks,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_kernel import kernel
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_network import (
    interfaces,
    link,
    local_addresses,
    networks,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_packages import (
    packages,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.probe import Probe, Round

STATE_DIR = "/var/lib/biomax-platform"  # the host engine's; it exists once a host was converged
CA_FILE = "/etc/kubernetes/pki/ca.crt"  # kubeadm writes it on every node, workers too
KUBERNETES_DIR = "/etc/kubernetes"
ETCD_MEMBER_DIR = "/var/lib/etcd/member"  # etcd makes it before its first write
BUNDLE_INDEX = "/srv/biomax-platform/bundle/index.json"
NOTHING = Probe()
_API_IMAGE = re.compile(r"image: \S+/kube-apiserver:v(\S+)")


def collect(paths: Iterable[str], root: str = "/", probe: Probe = NOTHING) -> dict[str, Any]:
    """Collect what the checks of preflight need to know of this host.

    Args:
        paths: Directories whose file systems are looked at; they need not exist.
        root: Where the host's file tree starts; tests give a directory.
        probe: Whom and what to ask besides reading files; nothing unless told.

    Returns:
        Plain data for the controller: sizes in MiB, addresses and networks as text, times in
        seconds since 1970.
    """
    start = time.time()
    base = Path(root)
    ports = listeners(base / "proc")
    device = link(base / "sys/class/net", probe.interface)
    disk: dict[str, Any] = {}
    if probe.etcd_dir:  # before the round: it forks, which a process with threads must not
        metrics = METRICS
        disk = collect_latency.etcd_disk(probe.etcd_dir, base, ports, metrics)
    questions = Round(probe, base, device)
    facts = _files(paths, base)
    return {
        **facts,
        "listeners": ports,
        "link": device,
        "etcd_disk": disk,
        **questions.answers(),
        "mirror_holds": held_by_mirror(base / BUNDLE_INDEX[1:], probe.bundle_sha256),
        "clock": {"start": start, "end": time.time()},
    }


def _files(paths: Iterable[str], base: Path) -> dict[str, Any]:
    """Read what the kernel and the system write."""
    proc = base / "proc"
    return {
        "python": platform.python_version(),
        "uid": os.geteuid(),
        "architecture": platform.machine(),
        "machine_id": _first_line(base / "etc/machine-id"),
        "os": _os_release(base),
        "systemd": (base / "run/systemd/system").is_dir(),
        "cgroup": 2 if (base / "sys/fs/cgroup/cgroup.controllers").exists() else 1,
        "memory_mib": _memory_mib(proc / "meminfo"),
        "cpus": os.cpu_count() or 1,
        "kernel": kernel(base, platform.release()),
        "addresses": local_addresses(proc / "net"),
        "interfaces": interfaces(base / "sys/class/net"),
        "networks": networks(proc / "net"),
        "disks": disks(paths, base),
        **packages(base),
        **_cluster_traces(base),
    }


def _cluster_traces(base: Path) -> dict[str, Any]:
    """Tell what of a cluster lies on this host, and whether our engine has been here."""
    kubernetes = base / KUBERNETES_DIR[1:]
    return {
        "managed": (base / STATE_DIR[1:]).is_dir(),
        "mirror_filled": (base / BUNDLE_INDEX[1:]).is_file(),
        "cluster_ca": _certificate_sha256(base / CA_FILE[1:]),
        "kubernetes_files": sorted(
            str(path.relative_to(kubernetes))
            for pattern in ("*.conf", "manifests/*.yaml", "pki/*.crt")
            for path in kubernetes.glob(pattern)
        ),
        "etcd_data": (base / ETCD_MEMBER_DIR[1:]).is_dir(),
        "api_version": _api_version(kubernetes / "manifests/kube-apiserver.yaml"),
        "image_blobs": image_blobs(base),
    }


def _certificate_sha256(path: Path) -> str:
    """Return the SHA-256 of a PEM certificate's DER form, hexadecimal; empty without the file."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    try:
        der = ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE") :])
    except ValueError:
        return "unreadable"
    return hashlib.sha256(der).hexdigest()


def _os_release(base: Path) -> dict[str, str]:
    """Read ID and VERSION_ID as os-release(5) writes them."""
    fields: dict[str, str] = {}
    for line in _text(base / "etc/os-release").splitlines():
        name, separator, value = line.partition("=")
        if separator:
            fields[name] = value.strip().strip("\"'")
    return {"id": fields.get("ID", ""), "version": fields.get("VERSION_ID", "")}


def _memory_mib(path: Path) -> int:
    """Read MemTotal, which proc(5) gives in KiB."""
    for line in _text(path).splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) // 1024
    return 0


def _api_version(manifest: Path) -> str:
    """Read the version of the API server that runs here; empty where none does."""
    found = _API_IMAGE.search(_text(manifest))
    return found[1] if found else ""


def _first_line(path: Path) -> str:
    return _text(path).strip().partition("\n")[0]


def _text(path: Path) -> str:
    """Read a file; what is not there says nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host shows of its membership; reads only, and answers also on a bare host."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    api,
    ledger,
    locking,
    tokens,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.etcd import EtcdClient
from ansible_collections.biomax.platform.plugins.module_utils.membership.https import (
    Server,
    Unanswered,
    Untrusted,
    trusting,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.kubeconfig import (
    ca_fingerprint,
    fingerprint,
    read_kubeconfig,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout

# State that only kubeadm, kubelet or etcd make. Host roles own other files in the same directories
# (the platform directory, empty manifests and pki directories), and those prove nothing.
_CLUSTER_STATE = (
    ("kubernetes", "*.conf"),
    ("kubernetes", "manifests/*.yaml"),
    ("pki", "*.crt"),
    ("pki", "*.key"),
    ("pki", "sa.pub"),
    ("pki", "etcd/*"),
    ("kubelet", "config.yaml"),
    ("kubelet", "pki/kubelet-client-*"),
    ("etcd", "member"),
)
_IMAGE = re.compile(r"image: \S*/kube-apiserver:v(\S+)")


@dataclass(frozen=True)
class Question:
    """What to look at.

    Args:
        name: Node name of this host.
        address: Its address.
        role: ``control_plane`` or ``worker``.
        peers: Address of each control-plane host of the inventory, by name.
        endpoint: Name of the cluster's endpoint.
        endpoint_port: Its port.
        backend_port: Port of the API servers.
    """

    name: str
    address: str
    role: str
    peers: Mapping[str, str] = field(default_factory=dict)
    endpoint: str = ""
    endpoint_port: int = 8443
    backend_port: int = 6443


def observe(layout: Layout, question: Question) -> dict[str, Any]:
    """Look at one host.

    Args:
        layout: Paths of the host.
        question: Who it is and whom to ask.

    Returns:
        The observation, as ``cluster_membership_info`` documents it.

    Raises:
        PlatformError: Our own ledger on the host is damaged.
    """
    found = _files(layout)
    with ThreadPoolExecutor(max_workers=8) as pool:
        node = pool.submit(_own_node, layout, question.name)
        peers = {
            name: pool.submit(api.probe, address, question.backend_port)
            for name, address in question.peers.items()
        }
        endpoint = pool.submit(api.probe, question.endpoint, question.endpoint_port)
        trusted = pool.submit(_trusts_endpoint, layout, question)
        control_plane = pool.submit(_control_plane, layout, question)
        return {
            "name": question.name,
            "address": question.address,
            "role": question.role,
            "kubelet_active": _is_active("kubelet.service"),
            **found,
            "node": node.result(),
            "peers": {name: result.result() for name, result in peers.items()},
            "endpoint": endpoint.result(),
            "endpoint_trusted": trusted.result(),
            **control_plane.result(),
        }


def _files(layout: Layout) -> dict[str, Any]:
    """What the host's directories say."""
    intent = ledger.read_intent(layout)
    return {
        "running": locking.is_locked(layout),
        "intent": None if intent is None else asdict(intent),
        "record": ledger.read_record(layout),
        "leftovers": leftovers(layout),
        "ca": _authority(layout),
        "version": _version(layout),
        "escrow": sorted(path.name for path in layout.escrow.glob("*.age")),
    }


def leftovers(layout: Layout) -> list[str]:
    """List what only a cluster leaves on a host; an empty list means that the host is blank."""
    found: list[Path] = []
    for place, pattern in _CLUSTER_STATE:
        base: Path = getattr(layout, place)
        found += base.glob(pattern)
    return sorted(str(path) for path in found)


def _trusts_endpoint(layout: Layout, question: Question) -> bool | None:
    """Whether this host's authority signed the endpoint; None when the question has no answer."""
    try:
        authority = (layout.pki / "ca.crt").read_text(encoding="ascii")
        context = trusting(authority)
        Server(question.endpoint, question.endpoint_port, context, api.PROBE_SECONDS).ask("/readyz")
    except Untrusted:
        return False
    except (PlatformError, OSError, UnicodeDecodeError):
        return None
    return True


def _authority(layout: Layout) -> str:
    """Fingerprint of the cluster's authority as this host knows it; empty when it knows none."""
    for name in ("kubelet.conf", "admin.conf"):
        try:
            config = read_kubeconfig(layout.kubernetes / name)
            if config is not None:
                return fingerprint(config.ca)
        except (PlatformError, OSError):
            continue
    return ca_fingerprint(layout.pki / "ca.crt")


def _own_node(layout: Layout, name: str) -> dict[str, Any]:
    """Ask the API for this host's own Node with the kubelet's certificate."""
    try:
        node = api.ClusterApi.of_host(layout, "kubelet.conf").node(name)
    except (PlatformError, OSError) as error:
        return {"state": "unknown", "detail": str(error)}
    if node is None:
        return {"state": "missing", "detail": f"the API knows no node {name}"}
    return node.as_dict()


def _control_plane(layout: Layout, question: Question) -> dict[str, Any]:
    """Ask this host's own API server and etcd member."""
    result: dict[str, Any] = {"api_ready": False, "etcd": None, "nodes": None, "join_secrets": []}
    if question.role != "control_plane" or not (layout.pki / "ca.crt").exists():
        return result
    try:
        members = EtcdClient(layout.pki).members()
        result["etcd"] = [member.as_dict() for member in members]
        own = api.ClusterApi.of_host(layout, "admin.conf", question.address, question.backend_port)
        result["api_ready"] = own.ready()
        result["nodes"] = [node.as_dict() for node in own.nodes()]
        result["join_secrets"] = tokens.join_secrets(own)
    except (Unanswered, PlatformError, OSError) as error:
        result["detail"] = str(error)
    return result


def _version(layout: Layout) -> str:
    """Version of the API server's manifest; empty when there is none."""
    try:
        text = (layout.kubernetes / "manifests/kube-apiserver.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    found = _IMAGE.search(text)
    return found.group(1) if found else ""


def _is_active(unit: str) -> bool:
    try:
        answer = subprocess.run(
            ["systemctl", "is-active", "--quiet", unit], check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0

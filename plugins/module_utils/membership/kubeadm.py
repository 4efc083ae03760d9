# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration documents of kubeadm (v1beta4), rendered from the site's settings. Pure.

Source of the fields: kubeadm API v1beta4, kubelet.config.k8s.io/v1beta1,
kubeproxy.config.k8s.io/v1alpha1. The documents are written as JSON, which is YAML too, so that the
hosts need no YAML library.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import (
    AUDIT_LOG_DIR,
    ETCD_DATA_DIR,
    PLATFORM_CONFIG_DIR,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import (
    Node,
    Settings,
)

KUBEADM_API = "kubeadm.k8s.io/v1beta4"
Document = dict[str, Any]

# cluster_dns deploys CoreDNS; nobody needs the join command, since joins have their own tickets.
_SKIPPED_INIT_PHASES = ("addon/coredns", "show-join-command")

# kubeadm waits this long for a component; slow disks at a first start need more than its 4 minutes.
_TIMEOUTS = {"controlPlaneComponentHealthCheck": "6m0s"}

# A dead node is seen after 20 s (Kubernetes: 50 s), since a database waits for that before it fails
# over. A kubelet renews its lease after a quarter of its duration, so it may miss three renewals.
_NODE_LEASE_SECONDS = 20
_NODE_DEATH = {"node-monitor-grace-period": "20s", "node-monitor-period": "2s"}


@dataclass(frozen=True)
class JoinSecrets:
    """Credentials of one join.

    Args:
        discovery_file: Path of the kubeconfig with the embedded bootstrap token.
        certificate_key: Key of the uploaded certificates; empty for a worker.
    """

    discovery_file: str
    certificate_key: str = ""


def init_documents(settings: Settings, node: Node, token: str) -> list[Document]:
    """Render what ``kubeadm init`` gets.

    Args:
        settings: Declaration of the cluster.
        node: The first control plane.
        token: Bootstrap token that kubeadm makes instead of one that lives a day.
    """
    init = {
        "apiVersion": KUBEADM_API,
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"token": token, "ttl": "10m0s", "description": "init of the cluster"}],
        "localAPIEndpoint": _local_endpoint(settings, node),
        "nodeRegistration": _registration(settings, node),
        "skipPhases": list(_SKIPPED_INIT_PHASES),
        "timeouts": _TIMEOUTS,
    }
    return [init, *cluster_documents(settings)]


def cluster_documents(settings: Settings) -> list[Document]:
    """Render what is common to all members and is uploaded to the cluster."""
    return [
        cluster_configuration(settings),
        kubelet_configuration(settings),
        kube_proxy_configuration(settings),
    ]


def configuration_hash(settings: Settings) -> str:
    """Return a short hash of what is common to all members."""
    return hashlib.sha256(to_text(cluster_documents(settings)).encode()).hexdigest()[:16]


def join_documents(settings: Settings, node: Node, secrets: JoinSecrets) -> list[Document]:
    """Render what ``kubeadm join`` gets.

    Args:
        settings: Declaration of the cluster.
        node: The joining host.
        secrets: Its credentials.
    """
    join: Document = {
        "apiVersion": KUBEADM_API,
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": secrets.discovery_file}},
        "nodeRegistration": _registration(settings, node),
        "timeouts": _TIMEOUTS,
    }
    if node.is_control_plane:
        join["controlPlane"] = {
            "localAPIEndpoint": _local_endpoint(settings, node),
            "certificateKey": secrets.certificate_key,
        }
    return [join]


def cluster_configuration(settings: Settings) -> Document:
    """Render ClusterConfiguration."""
    return {
        "apiVersion": KUBEADM_API,
        "kind": "ClusterConfiguration",
        "clusterName": settings.cluster_name,
        "kubernetesVersion": f"v{settings.version}",
        "controlPlaneEndpoint": settings.control_plane_endpoint,
        "networking": {
            "podSubnet": settings.pod_subnet,
            "serviceSubnet": settings.service_subnet,
            "dnsDomain": settings.dns_domain,
        },
        "etcd": {
            "local": {
                "dataDir": ETCD_DATA_DIR,
                # The true version: an upgrade compares the running one with this tag.
                "imageTag": settings.etcd_image_tag,
                "extraArgs": _args(settings.etcd_args),
            }
        },
        "apiServer": _api_server(settings),
        "controllerManager": {"extraArgs": _args({**_component_flags(settings), **_NODE_DEATH})},
        "scheduler": {"extraArgs": _args(_component_flags(settings))},
    }


def certificate_names(settings: Settings) -> list[str]:
    """Names and addresses in the API servers' certificates, each once, in a stable order."""
    names = [settings.endpoint, settings.endpoint_address]
    for member in settings.control_planes:
        names += [member["name"], f"{member['name']}.{settings.site_domain}", member["address"]]
    return list(dict.fromkeys(names))


def kubelet_configuration(settings: Settings) -> Document:
    """Render KubeletConfiguration; the site's own fields win."""
    document: Document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs" if settings.legacy_cgroup else "systemd",
        "clusterDNS": [settings.dns_address],
        "clusterDomain": settings.dns_domain,
        "nodeLeaseDurationSeconds": _NODE_LEASE_SECONDS,
        "rotateCertificates": True,
        "seccompDefault": True,
        "serverTLSBootstrap": True,
    }
    if settings.legacy_cgroup:
        document["failCgroupV1"] = False
    return {**document, **settings.kubelet}


def kube_proxy_configuration(settings: Settings) -> Document:
    """Render KubeProxyConfiguration; the site's own fields win."""
    document: Document = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
    }
    if settings.legacy_cgroup:
        # Hosts that share a kernel cannot set its connection tracking limits; zero leaves them.
        document["conntrack"] = {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        }
    return {**document, **settings.kube_proxy}


def to_text(documents: Iterable[Document]) -> str:
    """Join documents into one file for ``kubeadm --config``."""
    return "---\n".join(json.dumps(item, indent=2, sort_keys=True) + "\n" for item in documents)


def _api_server(settings: Settings) -> Document:
    flags = {
        "audit-log-maxage": "30",
        "audit-log-maxbackup": "10",
        "audit-log-maxsize": "100",
        "audit-log-path": f"{AUDIT_LOG_DIR}/audit.log",
        "audit-policy-file": f"{PLATFORM_CONFIG_DIR}/audit-policy.yaml",
        # Anonymous access for the health paths alone; the file says so.
        "authentication-config": f"{PLATFORM_CONFIG_DIR}/authentication.yaml",
        "encryption-provider-config": f"{PLATFORM_CONFIG_DIR}/encryption.yaml",
        # Kubelets have certificates of the cluster's authority, so they are checked.
        "kubelet-certificate-authority": "/etc/kubernetes/pki/ca.crt",
        "profiling": "false",
        **settings.api_server_args,
    }
    return {
        "certSANs": certificate_names(settings),
        "extraArgs": _args(flags),
        "extraVolumes": [
            _volume("platform-config", PLATFORM_CONFIG_DIR, "Directory", read_only=True),
            _volume("audit-log", AUDIT_LOG_DIR, "DirectoryOrCreate", read_only=False),
        ],
    }


def _component_flags(settings: Settings) -> dict[str, str]:
    return {"bind-address": settings.component_bind_address, "profiling": "false"}


def _registration(settings: Settings, node: Node) -> Document:
    registration: Document = {
        "name": node.name,
        "criSocket": settings.cri_socket,
        "kubeletExtraArgs": _args({"node-ip": node.address}),
        "ignorePreflightErrors": list(settings.ignored_preflight_errors),
        "imagePullPolicy": "IfNotPresent",
        "imagePullSerial": False,
    }
    if not node.is_control_plane:
        registration["taints"] = [dict(taint) for taint in node.taints]
    return registration


def _local_endpoint(settings: Settings, node: Node) -> Document:
    return {"advertiseAddress": node.address, "bindPort": settings.backend_port}


def _args(flags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": str(flags[name])} for name in sorted(flags)]


def _volume(name: str, path: str, kind: str, *, read_only: bool) -> Document:
    return {
        "name": name,
        "hostPath": path,
        "mountPath": path,
        "pathType": kind,
        "readOnly": read_only,
    }

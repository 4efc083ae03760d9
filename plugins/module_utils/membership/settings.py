# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the site declares about its cluster, as the modules get it from the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError


@dataclass(frozen=True)
class Settings:
    """Declaration of a cluster.

    Args:
        cluster_name: Name in kubeconfigs.
        version: Kubernetes version, without the v.
        etcd_image_tag: Tag of the etcd image that is really shipped.
        endpoint: Name of the API endpoint.
        endpoint_port: Its port.
        endpoint_address: Its virtual address.
        backend_port: Port of the API servers.
        site_domain: DNS domain of the hosts.
        control_planes: Every declared control plane, dead ones too, each ``{name, address}``.
        pod_subnet: Addresses of pods.
        service_subnet: Addresses of services.
        dns_domain: DNS domain inside the cluster.
        dns_address: Address of the cluster's DNS service.
        cri_socket: Socket of the container runtime, as a unix:// URL.
        component_bind_address: Where controller-manager and scheduler listen.
        legacy_cgroup: The hosts have cgroup v1 and a shared kernel (laboratory only).
        ignored_preflight_errors: kubeadm's checks that only warn (laboratory only).
        kubelet: More fields of KubeletConfiguration; they win.
        kube_proxy: More fields of KubeProxyConfiguration; they win.
        api_server_args: More flags of the API server; they win.
        etcd_args: More flags of etcd; they win.
    """

    cluster_name: str
    version: str
    etcd_image_tag: str
    endpoint: str
    endpoint_port: int
    endpoint_address: str
    backend_port: int
    site_domain: str
    control_planes: tuple[Mapping[str, str], ...]
    pod_subnet: str
    service_subnet: str
    dns_domain: str
    dns_address: str
    cri_socket: str = "unix:///run/containerd/containerd.sock"
    component_bind_address: str = "127.0.0.1"
    legacy_cgroup: bool = False
    ignored_preflight_errors: tuple[str, ...] = ()
    kubelet: Mapping[str, Any] = field(default_factory=dict)
    kube_proxy: Mapping[str, Any] = field(default_factory=dict)
    api_server_args: Mapping[str, str] = field(default_factory=dict)
    etcd_args: Mapping[str, str] = field(default_factory=dict)

    @property
    def control_plane_endpoint(self) -> str:
        """Endpoint as host and port."""
        return f"{self.endpoint}:{self.endpoint_port}"

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Settings:
        """Build settings from module arguments; None means not given.

        Raises:
            InputError: A field is missing, unknown or of another type.
        """
        kinds = {entry.name: str(entry.type) for entry in fields(cls)}
        unknown = sorted(set(arguments) - set(kinds))
        if unknown:
            raise InputError(f"Unknown settings of the cluster: {', '.join(unknown)}.")
        given = {
            name: _typed(name, kinds[name], value)
            for name, value in arguments.items()
            if value is not None
        }
        try:
            return cls(**given)
        except TypeError as error:
            raise InputError(f"Settings of the cluster are not complete: {error}.") from error


def _typed(name: str, kind: str, value: Any) -> Any:
    """Check a value against the type of its field; lists become tuples, numbers text where asked.

    Raises:
        InputError: Another type.
    """
    wanted: type | None = {"str": str, "int": int, "bool": bool}.get(kind)
    if kind.startswith("tuple"):
        wanted = list
    elif kind.startswith("Mapping"):
        wanted = dict
    if wanted is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if wanted is None or not isinstance(value, wanted) or (wanted is int and value is True):
        raise InputError(f"Setting {name} of the cluster: expected {kind}, found {value!r}.")
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Node:
    """The host that is acted on.

    Args:
        name: Node name.
        address: Its address.
        role: ``control_plane`` or ``worker``.
        taints: Taints that a worker registers with, so that nothing lands there before the pool's
            taints are reconciled; each ``{key, value, effect}``.
    """

    name: str
    address: str
    role: str
    taints: tuple[Mapping[str, str], ...] = ()

    @property
    def is_control_plane(self) -> bool:
        """Whether it runs the control plane."""
        return self.role == "control_plane"


def node_spec() -> dict[str, Any]:
    """Argument spec of a node, shared by the modules."""
    return {
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "role": {"type": "str", "required": True, "choices": ["control_plane", "worker"]},
        "taints": {"type": "list", "elements": "dict", "default": []},
    }


def node_from_arguments(arguments: Mapping[str, Any]) -> Node:
    """Build a node from module arguments."""
    return Node(
        name=str(arguments["name"]),
        address=str(arguments["address"]),
        role=str(arguments["role"]),
        taints=tuple(arguments.get("taints") or ()),
    )


def settings_spec() -> dict[str, Any]:
    """Argument spec of ``settings``, shared by the modules; ``Settings`` checks what is in it."""
    return {"type": "dict", "required": True}

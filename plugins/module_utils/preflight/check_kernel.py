# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the kernel: its version, and the features that our components use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_network import (
    setting,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    Finding,
    NotChecked,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import is_node
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

Facts = Mapping[str, Any]
# kubernetes.io/docs/reference/node/kernel-version-requirements: kube-proxy in mode nftables; cgroup
# version 2 is content with 5.8.
MINIMUM = (5, 13)
# containerd's snapshotter, and what rules of kube-proxy in mode nftables consist of
# (kubernetes, pkg/proxy/nftables/proxier.go).
_NODE = (
    "overlay",
    "veth",
    "nf_tables",
    "nf_conntrack",
    "nft_ct",
    "nft_fib_inet",
    "nft_masq",
    "nft_nat",
    "nft_numgen",
    "nft_reject",
)
# By network_provider. Calico: VXLAN is its data plane here, IP sets are used by felix.
PROVIDERS: Mapping[str, tuple[str, ...]] = {"routed": (), "calico": ("vxlan", "ip_set")}


def check_kernel(site: Site, host: str, facts: Facts) -> Iterator[Finding | NotChecked]:
    """Find a kernel that cannot do what a node of this site needs.

    Args:
        site: The declared site.
        host: Name of the host.
        facts: What the collector returned there.
    """
    if not is_node(site, host):
        return
    release, features = facts["kernel"]["release"], facts["kernel"]["features"]
    numbers = release.replace("-", ".").split(".")[:2]
    if all(part.isdigit() for part in numbers) and tuple(map(int, numbers)) < MINIMUM:
        yield Finding(
            host,
            "kernel/old",
            f"kernel {release}",
            f"{'.'.join(map(str, MINIMUM))} or newer: kube-proxy needs it for nftables",
            "install a newer kernel and boot it",
        )
    provider = site.text("network_provider")
    needed = [*_NODE, *PROVIDERS.get(provider, ())]
    if provider == "calico" and setting(site, "network_calico_wireguard_enabled") is True:
        needed.append("wireguard")
    missing = [name for name in needed if features[name] is False]
    unknown = [name for name in needed if features[name] is None]
    if missing:
        yield Finding(
            host,
            "kernel/feature",
            f"kernel {release} has no {', '.join(missing)}",
            f"built in or as a module, for kube-proxy, containerd and network_provider {provider}",
            "install the distribution's full kernel (not a cut-down cloud image) and boot it",
        )
    if unknown:
        reason = f"neither modules nor build options of kernel {release} are on the host"
        yield NotChecked(host, f"kernel features {', '.join(unknown)}", reason)

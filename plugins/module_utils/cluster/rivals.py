# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network providers that exclude each other: a formed cluster keeps the one it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import BUILTIN, Kind
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    Component,
    Ref,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.calico import OPERATOR_API
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

_INSTALLATION = Kind(OPERATOR_API, "Installation", "installations", namespaced=False)
# By the name of the provider: the object without which it is not there.
PROVIDERS: Mapping[str, tuple[Kind, Ref]] = {
    "calico": (_INSTALLATION, Ref(OPERATOR_API, "Installation", "", "default")),
    "routed": (
        BUILTIN[("apps/v1", "DaemonSet")],
        Ref("apps/v1", "DaemonSet", "kube-system", "routed-network"),
    ),
}


def refuse_rivals(client: KubeClient, components: Iterable[Component]) -> None:
    """Refuse a network provider while another one carries the cluster's pods.

    Costs one request for each other provider, and none when no provider is declared.

    Args:
        client: Client of the cluster.
        components: What is to be applied.

    Raises:
        InputError: Another provider is there; the message says what to do.
        ClusterError: The cluster does not say.
    """
    declared = {Ref.of(item) for component in components for item in component.objects}
    wanted = [name for name, (_, ref) in PROVIDERS.items() if ref in declared]
    for name, (kind, ref) in PROVIDERS.items():
        if not wanted or name in wanted:
            continue
        try:
            client.get(kind.object_path(ref.name, ref.namespace))
        except MissingError:
            continue
        raise InputError(
            f"Cannot apply network provider {wanted[0]}: this cluster's pods have their network "
            f"from provider {name} ({ref}). A change would cut every pod off in the middle and "
            f"leave addresses and rules of both, so a formed cluster keeps its provider. Set "
            f"network_provider to {name}, or form a new cluster with {wanted[0]} and move to it."
        )

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of objects: where the API serves them and in which order they are applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

CLUSTER, NAMESPACED = False, True


@dataclass(frozen=True)
class Kind:
    """One kind of object.

    Attributes:
        api_version: Such as ``v1`` or ``apps/v1``.
        name: Such as ``Deployment``.
        plural: The name in paths, such as ``deployments``.
        namespaced: Whether its objects live in a namespace.
        rank: Kinds of lower rank are applied earlier.
    """

    api_version: str
    name: str
    plural: str
    namespaced: bool
    rank: int = 50

    def list_path(self, namespace: str = "") -> str:
        """Path that lists the kind, in one namespace or in all."""
        root = "api" if "/" not in self.api_version else "apis"
        scope = f"namespaces/{namespace}/" if namespace and self.namespaced else ""
        return f"/{root}/{self.api_version}/{scope}{self.plural}"

    def object_path(self, name: str, namespace: str = "") -> str:
        """Path of one object."""
        return f"{self.list_path(namespace)}/{name}"


# Names and scopes as `kubectl api-resources` prints them for Kubernetes 1.36.
_TABLE: tuple[tuple[str, str, str, bool, int], ...] = (
    ("v1", "Namespace", "namespaces", CLUSTER, 0),
    ("v1", "Node", "nodes", CLUSTER, 0),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        CLUSTER,
        1,
    ),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", CLUSTER, 10),
    ("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", CLUSTER, 10),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", CLUSTER, 10),
    ("storage.k8s.io/v1", "CSIDriver", "csidrivers", CLUSTER, 10),
    ("v1", "ResourceQuota", "resourcequotas", NAMESPACED, 11),
    ("v1", "LimitRange", "limitranges", NAMESPACED, 11),
    ("v1", "ServiceAccount", "serviceaccounts", NAMESPACED, 12),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", CLUSTER, 13),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", CLUSTER, 14),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", NAMESPACED, 13),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", NAMESPACED, 14),
    # Before the objects that they judge.
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        CLUSTER,
        15,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        CLUSTER,
        16,
    ),
    ("v1", "ConfigMap", "configmaps", NAMESPACED, 20),
    ("v1", "Secret", "secrets", NAMESPACED, 20),
    ("v1", "PersistentVolume", "persistentvolumes", CLUSTER, 21),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", NAMESPACED, 22),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", NAMESPACED, 23),
    ("v1", "Service", "services", NAMESPACED, 24),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", NAMESPACED, 25),
    ("v1", "Pod", "pods", NAMESPACED, 30),
    ("apps/v1", "DaemonSet", "daemonsets", NAMESPACED, 30),
    ("apps/v1", "Deployment", "deployments", NAMESPACED, 30),
    ("apps/v1", "StatefulSet", "statefulsets", NAMESPACED, 30),
    ("batch/v1", "Job", "jobs", NAMESPACED, 31),
    ("batch/v1", "CronJob", "cronjobs", NAMESPACED, 31),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", NAMESPACED, 32),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses", CLUSTER, 33),
    ("networking.k8s.io/v1", "Ingress", "ingresses", NAMESPACED, 34),
    ("apiregistration.k8s.io/v1", "APIService", "apiservices", CLUSTER, 40),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        CLUSTER,
        60,
    ),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        CLUSTER,
        60,
    ),
)

BUILTIN: Mapping[tuple[str, str], Kind] = {(row[0], row[1]): Kind(*row) for row in _TABLE}

# Losing one of these loses data, or everything inside; they stay until a person removes them.
NEVER_PRUNED = frozenset(
    {
        "Namespace",
        "CustomResourceDefinition",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Cluster",  # of CloudNativePG: its claims go with it
    }
)

# Kinds that are listed in every run of the whole platform, so that the last object of a kind is
# found when it left the set. Each costs one request, so only kinds that components really use.
SWEPT: tuple[Kind, ...] = tuple(
    BUILTIN[key]
    for key in (
        ("v1", "ConfigMap"),
        ("v1", "PersistentVolumeClaim"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("policy/v1", "PodDisruptionBudget"),
        ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        # What is left of these without the component behind them refuses other objects.
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    )
)

# The same for kinds of definitions, where those are among the components.
SWEPT_WHERE_DEFINED: tuple[tuple[str, str], ...] = (
    ("crd.projectcalico.org/v1", "BGPConfiguration"),
    ("crd.projectcalico.org/v1", "BGPPeer"),
    ("postgresql.cnpg.io/v1", "Cluster"),
)


def kinds_of_definitions(objects: Iterable[Mapping[str, object]]) -> dict[tuple[str, str], Kind]:
    """Read the kinds that CustomResourceDefinitions declare.

    Args:
        objects: Any objects; those that are no definitions are passed over.

    Returns:
        Kinds by (api version, kind name).

    Raises:
        InputError: A definition lacks group, names, scope or versions.
    """
    kinds: dict[tuple[str, str], Kind] = {}
    for item in objects:
        if item.get("kind") != "CustomResourceDefinition":
            continue
        spec = item.get("spec")
        try:
            group, names, scope = spec["group"], spec["names"], spec["scope"]  # type: ignore[index] # a wrong shape is the error below
            for version in spec["versions"]:  # type: ignore[index] # as above
                kind = Kind(
                    api_version=f"{group}/{version['name']}",
                    name=names["kind"],
                    plural=names["plural"],
                    namespaced=scope == "Namespaced",
                )
                kinds[(kind.api_version, kind.name)] = kind
        except (KeyError, TypeError) as error:
            raise InputError(
                f"CustomResourceDefinition {item.get('metadata')!r} lacks group, names, scope or "
                f"versions ({error!r})."
            ) from error
    return kinds

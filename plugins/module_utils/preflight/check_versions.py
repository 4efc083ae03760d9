# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of running versions against kube_version, by Kubernetes' version skew policy.

kubernetes.io/releases/version-skew-policy: API servers of one cluster differ by one minor at most;
a kubelet is never newer than an API server, and at most three minors older. kubeadm raises a
cluster by one minor at a time and lowers none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.versions import (
    parse_version,
    version_skew,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import Finding
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

Facts = Mapping[str, Any]
_OLDEST_KUBELET = 3  # minors behind the API server


def check_versions(
    site: Site, facts_by_host: Mapping[str, Facts], kubelets: Mapping[str, str]
) -> Iterator[Finding]:
    """Find versions from which kube_version cannot be reached, or that do not fit together.

    Args:
        site: The declared site.
        facts_by_host: What the collector returned, by host.
        kubelets: Version of the kubelet by node, as the API tells; empty without a cluster.
    """
    wanted = site.text("kube_version")
    servers = {
        host: facts["api_version"] for host, facts in facts_by_host.items() if facts["api_version"]
    }
    try:
        for host, running in servers.items():
            yield from _step(host, running, wanted)
        yield from _apart(servers)
        oldest = min([*servers.values(), wanted], key=parse_version)
        for host, running in kubelets.items():
            yield from _kubelet(host, running, oldest, wanted)
    except InputError:
        return  # kube_version is malformed, which the check of variables says


def _step(host: str, running: str, wanted: str) -> Iterator[Finding]:
    """Judge the step from a running API server to the wanted version."""
    if parse_version(wanted) < parse_version(running):
        yield Finding(
            host,
            "versions/downgrade",
            f"API server {running} runs",
            f"kube_version of at least that, not {wanted}",
            "raise kube_version; a cluster is not lowered, but restored from a snapshot",
        )
    elif version_skew(wanted, running) > 1:
        yield Finding(
            host,
            "versions/skips-minor",
            f"API server {running} runs, kube_version is {wanted}",
            "one minor at a time",
            "set kube_version to the next minor, upgrade, and go on from there",
        )


def _apart(servers: Mapping[str, str]) -> Iterator[Finding]:
    """Find API servers that are more than one minor behind the newest."""
    newest = max(servers.values(), key=parse_version, default="")
    for host, running in servers.items():
        if version_skew(newest, running) > 1:
            yield Finding(
                host,
                "versions/apart",
                f"API server {running} beside {newest}",
                "API servers of one cluster within one minor",
                "finish the upgrade of this host before anything else",
            )


def _kubelet(host: str, running: str, oldest: str, wanted: str) -> Iterator[Finding]:
    """Judge a kubelet beside the API servers of now and of after the run."""
    ahead = version_skew(running, oldest)
    behind = version_skew(wanted, running)
    if ahead > 0 or behind > _OLDEST_KUBELET:
        yield Finding(
            host,
            "versions/kubelet",
            f"kubelet {running} beside API server {oldest if ahead > 0 else wanted}",
            f"not newer than the API servers, and at most {_OLDEST_KUBELET} minors older",
            "upgrade the control plane first" if ahead > 0 else "upgrade this node first",
        )

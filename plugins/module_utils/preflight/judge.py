# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks together: from what is declared and what was seen to one outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight import (
    check_bundle,
    check_clock,
    check_hosts,
    check_inventory,
    check_kernel,
    check_latency,
    check_leftovers,
    check_load_balancer,
    check_names,
    check_network,
    check_packages,
    check_path,
    check_size,
    check_variables,
    check_versions,
    requirements,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.capacity import missing_mib
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    SITE,
    Finding,
    NotChecked,
    sort_findings,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.measured import measured
from ansible_collections.biomax.platform.plugins.module_utils.preflight.page import Outcome
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site


@dataclass(frozen=True)
class Seen:
    """What a run saw.

    Attributes:
        facts: What the collector returned, by host that answered.
        unreached: Why a host did not answer, by host.
        controller_ca: SHA-256 of the authority in the controller's kubeconfig, or empty.
        kubelets: Version of the kubelet by node, as the API tells; empty without a cluster.
        needs: What the roles ask the bundle for.
        unreadable: Why the needs of a role cannot be told, by role.
        sha256: Returns the sum of a file of the bundle; None compares sizes only.
    """

    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)
    controller_ca: str = ""
    kubelets: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[check_bundle.Need] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    sha256: Callable[[Path], str] | None = None


def judge(site: Site, closed: check_variables.ClosedList, seen: Seen) -> Outcome:
    """Run every check.

    Args:
        site: The declared site.
        closed: The closed list of variables.
        seen: What this run saw.

    Returns:
        All findings, sorted, each once, with what could not be checked and what was measured.
    """
    bundle, said = _bundle(site, seen)
    said += check_inventory.check_inventory(site)
    said += check_load_balancer.check_load_balancer(site)
    said += check_variables.check_variables(site, closed)
    said += check_network.check_network(site)
    said += [check_hosts.check_unreached(*item) for item in seen.unreached.items()]
    for host, facts in seen.facts.items():
        said += _host(site, host, facts, bundle, seen)
    said += check_hosts.check_machine_ids(site, seen.facts)
    said += check_leftovers.check_leftovers(site, seen.facts, seen.controller_ca)
    said += check_clock.check_clocks(site, seen.facts)
    said += check_path.check_paths(site, seen.facts)
    said += check_versions.check_versions(site, seen.facts, seen.kubelets)
    return Outcome(
        findings=sort_findings(item for item in said if isinstance(item, Finding)),
        hosts=sorted({*seen.facts, *seen.unreached}),
        not_checked=[item for item in said if isinstance(item, NotChecked)],
        measured={host: measured(facts) for host, facts in seen.facts.items()},
    )


def _host(
    site: Site,
    host: str,
    facts: Mapping[str, Any],
    bundle: check_bundle.Bundle | None,
    seen: Seen,
) -> Iterator[Finding | NotChecked]:
    """Judge one host by what its collector returned."""
    volume = bundle.volume if bundle else requirements.Volume()
    missing = missing_mib(site, host, facts, bundle.index) if bundle else {}
    yield from check_hosts.check_host(site, host, facts, volume, missing)
    yield from check_size.check_size(site, host, facts)
    yield from check_kernel.check_kernel(site, host, facts)
    yield from check_latency.check_latency(site, host, facts)
    yield from check_names.check_names(site, host, facts)
    yield from check_packages.check_packages(site, host, facts, seen.needs)


def _bundle(
    site: Site, seen: Seen
) -> tuple[check_bundle.Bundle | None, list[Finding | NotChecked]]:
    """Open the bundle and compare it with what the roles need."""
    said: list[Finding | NotChecked] = [
        Finding(
            SITE,
            "bundle/needs-unknown",
            f"what role {role} needs cannot be told: {reason}",
            "declarations whose names and versions can be read on the controller",
            "correct the variables that the message names",
        )
        for role, reason in seen.unreadable.items()
    ]
    directory, key = site.text("bundle_dir"), site.text("bundle_public_key")
    bundle = None
    if directory and key:  # else the check of variables names what is missing
        bundle, problems = check_bundle.open_bundle(directory, key)
        said += problems
    if bundle is None:
        what = "whether roles find their artifacts, and the space that these take"
        return None, [*said, NotChecked(SITE, what, "there is no bundle that can be used")]
    said += _content(site, seen, bundle, directory)
    return bundle, said


def _content(
    site: Site, seen: Seen, bundle: check_bundle.Bundle, directory: str
) -> Iterable[Finding]:
    """Compare a verified bundle with its files, the roles' needs and the hosts."""
    needs = [*seen.needs, *check_bundle.cluster_images(site.variables)]
    yield from check_bundle.check_files(directory, bundle.index, seen.sha256)
    yield from check_bundle.check_bundle(bundle, needs, seen.facts)
    yield from check_bundle.check_architecture(bundle, seen.facts, requirements.ARCHITECTURES)

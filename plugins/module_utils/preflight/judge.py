# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks together: from what is declared and what was seen to one list of findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight import (
    check_bundle,
    check_hosts,
    check_inventory,
    check_leftovers,
    check_variables,
    findings,
    requirements,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site


@dataclass(frozen=True)
class Seen:
    """What a run saw.

    Attributes:
        facts: What the collector returned, by host that answered.
        unreached: Why a host did not answer, by host.
        controller_ca: SHA-256 of the authority in the controller's kubeconfig, or empty.
        needs: What the roles ask the bundle for.
        unreadable: Why the needs of a role cannot be told, by role.
    """

    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)
    controller_ca: str = ""
    needs: Sequence[check_bundle.Need] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)


def judge(site: Site, closed: check_variables.ClosedList, seen: Seen) -> list[findings.Finding]:
    """Run every check.

    Args:
        site: The declared site.
        closed: The closed list of variables.
        seen: What this run saw.

    Returns:
        All findings, sorted, each once.
    """
    bundle, found = _bundle(site, seen)
    found += check_inventory.check_inventory(site)
    found += check_variables.check_variables(site, closed)
    found += [check_hosts.check_unreached(*item) for item in seen.unreached.items()]
    volume = bundle.volume if bundle else requirements.Volume()
    for host, facts in seen.facts.items():
        found += check_hosts.check_host(site, host, facts, volume)
    found += check_hosts.check_machine_ids(site, seen.facts)
    found += check_leftovers.check_leftovers(site, seen.facts, seen.controller_ca)
    return findings.sort_findings(found)


def _bundle(site: Site, seen: Seen) -> tuple[check_bundle.Bundle | None, list[findings.Finding]]:
    """Open the bundle and compare it with what the roles need."""
    found = [
        findings.Finding(
            findings.SITE,
            "bundle",
            f"what role {role} needs cannot be told: {reason}",
            "declarations whose names and versions can be read on the controller",
            "correct the variables that the message names",
        )
        for role, reason in seen.unreadable.items()
    ]
    directory, key = site.text("bundle_dir"), site.text("bundle_public_key")
    if not directory or not key:
        return None, found  # the check of variables names what is missing
    bundle, problems = check_bundle.open_bundle(directory, key)
    found += problems
    if bundle:
        needs = [*seen.needs, *check_bundle.cluster_images(site.variables)]
        found += check_bundle.check_bundle(bundle, needs, seen.facts)
        found += check_bundle.check_architecture(bundle, seen.facts, requirements.ARCHITECTURES)
    return bundle, found

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of clocks: against the site's time servers, and against the controller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_time import (
    NTP_PORT,
    WAITS,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import (
    SITE,
    Finding,
    NotChecked,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

Facts = Mapping[str, Any]
TOLERATED = 1.0  # seconds; chrony of ours steps from there on (roles/base_os, makestep)
WRONG = 60.0  # seconds; certificates that were just issued are "not yet valid" on such a host
_SET = (
    "set it once (date -s, or timedatectl set-ntp true with a reachable server) and look for a dead"
    " battery; the run itself keeps it right from then on"
)


def check_clocks(site: Site, facts_by_host: Mapping[str, Facts]) -> Iterator[Finding | NotChecked]:
    """Find clocks that are wrong and time servers that do not serve.

    A time server that is a host of this site and does not run yet is set up by the run itself.

    Args:
        site: The declared site.
        facts_by_host: What the collector returned, by host.
    """
    own = {site.address(host): host for host in site.hosts if site.address(host)}
    for host, facts in facts_by_host.items():
        yield from _servers(host, facts, own, facts_by_host)
        ahead, error, source = offset(facts)
        yield from _skew(host, ahead, error, source)
    yield from _controller(facts_by_host)


def _servers(
    host: str, facts: Facts, own: Mapping[str, str], facts_by_host: Mapping[str, Facts]
) -> Iterator[Finding | NotChecked]:
    """Judge whether the time servers answer this host."""
    silent: list[str] = []
    waiting: list[str] = []
    for answer in facts["time"]:
        server = answer["server"]
        if not answer["answered"]:
            (silent if _serves(own.get(server), facts_by_host) else waiting).append(server)
        elif not answer["synchronised"]:
            yield Finding(
                host,
                "clock/source-unsynchronised",
                f"time server {server} answers that it has no time itself"
                f" (stratum {answer['stratum']})",
                "a time server that is synchronised",
                "correct that server, or name another in time_servers",
            )
    for server in waiting:
        yield NotChecked(
            host,
            f"time server {server}",
            f"{own[server]} does not serve the time yet: the run sets it up",
        )
    every = len(silent) == len(facts["time"])
    for server in silent:
        yield Finding(
            host,
            "clock/no-source" if every else "clock/source-silent",
            f"no answer from time server {server} over NTP (UDP port {NTP_PORT}) within"
            f" {sum(WAITS):.0f} seconds",
            "an answer from each of time_servers",
            "open the way to it, or name servers in time_servers that this host can reach",
        )


def _serves(server: str | None, facts_by_host: Mapping[str, Facts]) -> bool:
    """Tell whether a server ought to answer: it is not of this site, or it listens."""
    if server is None:
        return True
    listeners = facts_by_host.get(server, {}).get("listeners", ())
    return any(item["port"] == NTP_PORT and item["protocol"] == "udp" for item in listeners)


def offset(facts: Facts) -> tuple[float, float, str]:
    """Return by how many seconds a host is ahead, the error of that number, and of whom.

    Args:
        facts: What the collector returned on the host.
    """
    answers = [item for item in facts["time"] if item["answered"] and item["synchronised"]]
    if answers:
        best = min(answers, key=lambda item: float(item["delay"]))
        return best["offset"], max(0.0, best["delay"] / 2), f"time server {best['server']}"
    low, high = facts["clock"]["low"], facts["clock"]["high"]
    return (low + high) / 2, abs(high - low) / 2, "the controller"


def _skew(host: str, ahead: float, error: float, source: str) -> Iterator[Finding]:
    """Judge a clock; what lies within the error of the measurement is no finding."""
    sure = abs(ahead) - error
    if sure > TOLERATED:
        direction = "ahead of" if ahead > 0 else "behind"
        yield Finding(
            host,
            "clock/wrong" if sure > WRONG else "clock/skew",
            f"{abs(ahead):.1f} s {direction} {source} (± {error:.1f} s)",
            f"at most {TOLERATED:.0f} s",
            _SET,
        )


def _controller(facts_by_host: Mapping[str, Facts]) -> Iterator[Finding]:
    """Find a controller whose clock differs from hosts that agree with their time server."""
    for facts in facts_by_host.values():
        ahead, error, source = offset(facts)
        low, high = facts["clock"]["low"], facts["clock"]["high"]
        if source == "the controller" or abs(ahead) + error > TOLERATED:
            continue
        difference = low if low > 0 else -high  # the least that the two clocks lie apart
        if difference > TOLERATED:
            yield Finding(
                SITE,
                "clock/controller",
                f"the controller's clock is at least {difference:.1f} s"
                f" {'behind' if low > 0 else 'ahead of'} {source}",
                "the right time on the controller: it makes certificates and reports",
                "synchronise the controller's clock",
            )
            return

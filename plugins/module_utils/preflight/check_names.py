# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of how hosts find names. The site's own names are in each host's hosts file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.findings import Finding
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Site

Facts = Mapping[str, Any]
_LOOPBACK = ("127.", "::1")


def check_names(site: Site, host: str, facts: Facts) -> Iterator[Finding]:
    """Find name lookups on a host that hang or contradict the inventory.

    Args:
        site: The declared site.
        host: Name of the host.
        facts: What the collector returned there.
    """
    yield from _order(host, facts)
    yield from _hosts_file(site, host, facts)
    yield from _servers(site, host, facts)


def _order(host: str, facts: Facts) -> Iterator[Finding]:
    """Find a host that does not look into its hosts file first."""
    order = facts["names"]["order"]
    others = [name for name in order if name in ("dns", "resolve", "mdns4_minimal", "nis")]
    before = order[: order.index("files")] if "files" in order else order
    if order and ("files" not in order or set(before) & set(others)):
        yield Finding(
            host,
            "resolution/order",
            f"/etc/nsswitch.conf: hosts: {' '.join(order)}",
            "files before anything that asks the network",
            "write: hosts: files dns",
        )


def _hosts_file(site: Site, host: str, facts: Facts) -> Iterator[Finding]:
    """Find lines of the hosts file that give a name of the site to somebody else.

    On a host that we manage the file is ours, and an address that changed is what the run is for.
    """
    if facts["managed"]:
        return
    for name, addresses in facts["names"]["hosts"].items():
        declared = _declared(site).get(name)
        wrong = [text for text in addresses if text != declared and not text.startswith(_LOOPBACK)]
        if declared and wrong:
            yield Finding(
                host,
                "resolution/hosts-file",
                f"/etc/hosts says {name} is {', '.join(wrong)}",
                f"{declared}, as the inventory says; the run replaces the file",
                "make sure that the host is not in use by another site, or correct the inventory",
            )


def _servers(site: Site, host: str, facts: Facts) -> Iterator[Finding]:
    """Find name servers that do not answer, or that know the API at another address."""
    endpoint, declared = site.text("kube_api_endpoint"), site.text("kube_api_address")
    for answer in facts["resolver"]:
        if not answer["answered"]:
            yield Finding(
                host,
                "resolution/silent",
                f"name server {answer['server']} of /etc/resolv.conf does not answer"
                f" ({answer['seconds']:.1f} s)",
                "an answer, be it that the name does not exist",
                "correct /etc/resolv.conf: every lookup of a foreign name hangs for seconds there",
            )
        elif answer["addresses"] and declared not in answer["addresses"]:
            yield Finding(
                host,
                "resolution/contradiction",
                f"name server {answer['server']} says {endpoint} is"
                f" {', '.join(answer['addresses'])}",
                f"{declared}, which is kube_api_address, or no such name",
                "correct that record, or choose another kube_api_endpoint",
            )


def _declared(site: Site) -> dict[str, str]:
    """Return the address of each name of the site."""
    domain = site.text("site_domain")
    names: dict[str, str] = {}
    for host in site.hosts:
        names |= {host: site.address(host), f"{host}.{domain}": site.address(host)}
    names[site.text("kube_api_endpoint")] = site.text("kube_api_address")
    return {name: address for name, address in names.items() if name and address}

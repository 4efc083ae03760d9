# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mirror or its registry does not answer, or does not have what is asked for."""

from __future__ import annotations

import re

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
    line_with,
)

_PULL = re.compile(
    r"ImagePullBackOff|ErrImagePull|failed to pull|failed to resolve reference|ERROR ImagePull"
    r"|pulling image",
)
_ASKED = re.compile(
    r"No mirror answered|of the bundle:|/bundle/|[Rr]egistry http|/v2/|biomax-registry"
    r"|Failed to fetch|Could not connect to"
)
_SILENT = re.compile(
    r"[Cc]onnection refused|Errno 111|No route to host|timed out|i/o timeout|unreachable"
    r"|[Cc]onnection reset|50[234] |answered 50[234]"
)
_ABSENT = re.compile(r"not found|manifest unknown|answered 404| 404 ")
_REGISTRY = re.compile(r"biomax-registry|/v2/|[Rr]egistry http|[Ii]mage|:5000\b")
_ADDRESS = re.compile(r"\b(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\])(?::(\d{2,5}))?")
_URL_HOST = re.compile(r"https?://([A-Za-z0-9][\w.-]*)")
_LOOPBACK = ("127.", "[::1]", "localhost")


def look(failure: Failure, site: Site) -> Cause | None:
    """Return the cause when files or images could not be had from the mirror."""
    pulled = bool(_PULL.search(failure.told))
    if not pulled and not _ASKED.search(failure.told):
        return None
    if not _SILENT.search(failure.told):
        return _lacks(failure, site) if _ABSENT.search(failure.told) else None
    said = line_with(failure.told, _SILENT)
    what = "registry" if pulled or _REGISTRY.search(said) else "mirror"
    unit = "biomax-registry" if what == "registry" else "nginx"
    return Cause(
        f"the {what} does not answer{_seen_from(failure, site, said)}: {said}",
        _server(failure, site, said),
        f"systemctl status --no-pager -n 20 {unit}",
        f"See why (`journalctl -u {unit} -n 50`; images pass nginx, too), start it or power on the"
        " host, then run the same command again.",
    )


def _lacks(failure: Failure, site: Site) -> Cause:
    said = line_with(failure.told, _ABSENT)
    return Cause(
        f"the mirror does not have what is asked for: {said}",
        _server(failure, site, said),
        "ls -l /srv/biomax-platform/bundle",
        "Add it to bundle/catalogue, build the bundle and run playbooks/converge_hosts.yml for the"
        " mirror; or correct the name.",
    )


def _server(failure: Failure, site: Site, said: str) -> str:
    """Return the mirror's inventory name: by its address, its name, or as the only mirror."""
    for text in (said, failure.told):
        for address, _ in _ADDRESS.findall(text):
            if address.startswith(_LOOPBACK):
                return failure.host
            if address in site.addresses:
                return site.name_of(address)
    for name in _URL_HOST.findall(failure.told):
        if name.startswith(_LOOPBACK):
            return failure.host
        if (short := name.partition(".")[0]) in site.addresses.values():
            return str(short)
    return str(site.mirrors[0]) if len(site.mirrors) == 1 else failure.host


def _seen_from(failure: Failure, site: Site, said: str) -> str:
    viewer = failure.seat
    if viewer in (CONTROLLER, _server(failure, site, said)):
        return ""
    return f" to {viewer}"

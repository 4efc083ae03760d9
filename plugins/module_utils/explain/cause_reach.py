# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host does not answer over SSH."""

from __future__ import annotations

import re

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    Cause,
    Failure,
    Site,
)

_DENIED = re.compile(r"Permission denied[^\n\"]*", re.I)
_KEY = re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed")
_NAME = re.compile(r"Could not resolve hostname[^\n\"]*")
_SILENT = re.compile(
    r"No route to host|timed out|Connection (?:refused|closed|reset)[^\n\"]*", re.I
)
_REMEDIES = (
    (_DENIED, "Put the controller's public key on it, or correct ansible_user and the key file."),
    (_KEY, "Compare the host's key with the provider's console; only then correct known_hosts."),
    (_NAME, "Correct ansible_host of this host."),
    (
        _SILENT,
        "Look at power, network and sshd by the provider's console. A host that is known to be"
        " dead goes into the group absent.",
    ),
)


def look(failure: Failure, site: Site) -> Cause | None:  # noqa: ARG001 - one form for all families
    """Return the cause when the host was unreachable."""
    if not failure.unreachable:
        return None
    for pattern, remedy in _REMEDIES:
        if found := pattern.search(failure.text):
            said = found.group(0).strip(" .\"'")
            return Cause(f"it does not answer over SSH: {said}", failure.host, "true", remedy)
    said = failure.text.strip()[:200]
    remedy = "Correct what the command says."
    return Cause(f"it does not answer over SSH: {said}", failure.host, "true", remedy)

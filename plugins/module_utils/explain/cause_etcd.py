# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd is slow or not healthy."""

from __future__ import annotations

import re

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
)

_ETCD = re.compile(
    r"etcdserver: [^|\n\"]*|etcd member \S+ (?:is not healthy|does not answer)[^|\n;]*"
    r"|of its etcd it says: [^\n\"]*|slow fdatasync|took too long|leader is overloaded"
)
_MEMBER = re.compile(r"etcd member (\S+?),? ")
_SLOW_MS = 10.0  # etcd's FAQ: 99 of 100 syncs of its log should take less
_LOG = "/var/log/pods/kube-system_etcd-*/etcd/*.log"


def look(failure: Failure, site: Site) -> Cause | None:
    """Return the cause when etcd is named as what did not answer in time."""
    found = _ETCD.search(failure.told)
    if not found:
        return None
    said = found.group(0).strip(" .")
    named = _MEMBER.search(failure.told)
    host = named.group(1) if named else failure.host
    if host == CONTROLLER and site.control_planes:
        host = site.control_planes[0]
    p99 = failure.evidence.get("etcd", {}).get("p99_ms", 0.0)
    slow = p99 > _SLOW_MS and not named
    if slow:
        fact = (
            f"etcd is slow: 99 of 100 syncs of its log take up to {p99:g} ms, it needs {_SLOW_MS:g}"
        )
    else:
        fact = "etcd does not answer in time"
    return Cause(
        f"{fact}: {said}",
        host,
        f"tail -n 20 {_LOG}",
        "See what else writes to the disk of /var/lib/etcd (`grep . /proc/pressure/io`), move it"
        " away or give etcd a faster disk; wait until every member is healthy, then run again.",
    )

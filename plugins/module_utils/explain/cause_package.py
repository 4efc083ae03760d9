# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian package is not in the bundle's repository."""

from __future__ import annotations

import re
import shlex

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    Cause,
    Failure,
    Site,
    line_with,
)

_MISSING = re.compile(
    r"Unable to locate package (?P<a>[\w.+-]+)|[Pp]ackage '?(?P<b>[\w.+-]+)'? has no installation"
    r" candidate|No package matching '(?P<c>[\w.+-]+)'"
)
_DEPENDS = re.compile(r"(?P<a>[\w.+-]+) : Depends: [^|\n]*|unmet dependencies")


def look(failure: Failure, site: Site) -> Cause | None:  # noqa: ARG001 - one form for all families
    """Return the cause when apt did not find a package, or one that it needs."""
    found = _MISSING.search(failure.told) or _DEPENDS.search(failure.told)
    if not found:
        return None
    name = next((value.rstrip(".") for value in found.groupdict().values() if value), "")
    lacking = found.re is _MISSING
    fact = (
        f"package {name} is not in the site's repository"
        if lacking and name
        else (f"a package that {name or 'another'} depends on is not in the site's repository")
    )
    return Cause(
        f"{fact}: {line_with(failure.told, found.re)}",
        failure.host,
        f"apt-cache policy {shlex.quote(name)}".rstrip(" '"),
        "Correct the name, or add the package to bundle/catalogue/packages.yml, build the bundle"
        " and run playbooks/converge_hosts.yml, which brings it to the mirror.",
    )

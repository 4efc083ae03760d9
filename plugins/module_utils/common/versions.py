# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions as Kubernetes counts them: major.minor.patch, skew in minors."""

from __future__ import annotations

import re

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

_VERSION = re.compile(r"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:\.(0|[1-9][0-9]*))?(?:[-+].*)?")


def parse_version(text: object) -> tuple[int, int, int]:
    """Parse ``1.36.3``, ``v1.36.3`` or ``1.36``; a suffix such as ``-rc.1`` is not looked at.

    Args:
        text: The version. A number is refused: YAML turns 1.30 into 1.3.

    Returns:
        Major, minor, patch; a missing patch is 0.

    Raises:
        InputError: It is not such a version.
    """
    found = _VERSION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise InputError(f"Expected a version such as 1.36.3, found {text!r}.")
    major, minor, patch = found.groups()
    return int(major), int(minor), int(patch or 0)


def version_skew(version: object, reference: object) -> int:
    """Count by how many minors a version is ahead of another.

    Args:
        version: The version in question.
        reference: The version to compare with.

    Returns:
        Minors ahead; negative when behind.

    Raises:
        InputError: A version is malformed, or the major versions differ: then no count of minors
            says anything.
    """
    major, minor, _ = parse_version(version)
    reference_major, reference_minor, _ = parse_version(reference)
    if major != reference_major:
        raise InputError(
            f"Cannot count minors between {version} and {reference}: the major versions differ."
        )
    return minor - reference_minor

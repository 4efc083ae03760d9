# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: the one that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

SIMILAR_ENOUGH = 0.75  # ratio of difflib; one slip in six letters still passes


def nearest_name(name: object, candidates: Iterable[object]) -> str:
    """Find the candidate that a misspelt name was meant to be.

    Args:
        name: The name as it was written.
        candidates: Names that exist.

    Returns:
        The most similar candidate (the alphabetically first of equals), or an empty string when
        none is similar.

    Raises:
        InputError: The name or a candidate is not text.
    """
    if not isinstance(name, str):
        raise InputError(f"Expected a name as text, found {name!r}.")
    if isinstance(candidates, str):
        raise InputError(f"Expected a list of names, found the text {candidates!r}.")
    names = list(candidates)
    for candidate in names:
        if not isinstance(candidate, str):
            raise InputError(f"Expected names as text, found {candidate!r}.")
    best, best_ratio = "", 0.0
    for candidate in sorted({str(item) for item in names}):
        ratio = difflib.SequenceMatcher(None, name.lower(), candidate.lower()).ratio()
        if ratio >= SIMILAR_ENOUGH and ratio > best_ratio:
            best, best_ratio = candidate, ratio
    return best

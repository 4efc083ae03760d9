# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which components a run with tags means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_EVERYTHING = {"all", "tagged"}
_SPECIAL = {"always", "never", "untagged"}


def select(
    components: Sequence[str],
    tags: Iterable[str],
    skip_tags: Iterable[str],
    task_tags: Iterable[str],
) -> tuple[list[str], bool]:
    """Choose components by the tags of the run, where each component's name is a tag.

    Args:
        components: All components, in order.
        tags: What was given as ``--tags``.
        skip_tags: What was given as ``--skip-tags``.
        task_tags: Tags of the task itself: one of them means all components.

    Returns:
        The chosen components in order, and whether that is all of them.
    """
    asked, skipped = set(tags), set(skip_tags)
    of_task = set(task_tags) - _SPECIAL
    if not asked or asked & (_EVERYTHING | of_task):
        chosen = list(components)
    else:
        chosen = [name for name in components if name in asked]
    chosen = [name for name in chosen if name not in skipped]
    return chosen, len(chosen) == len(components)

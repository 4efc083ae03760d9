# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Role names as tags: which roles of a call the command line chose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ansible import context

_ALL, _ALWAYS, _TAGGED = "all", "always", "tagged"


def chosen_roles(roles: Sequence[str], task: Any) -> list[str]:
    """Return the roles that `--tags` and `--skip-tags` choose, in order."""
    only = set(context.CLIARGS.get("tags") or ()) or {_ALL}
    skip = set(context.CLIARGS.get("skip_tags") or ())
    return select(roles, set(task.tags or ()), only, skip)


def select(
    roles: Sequence[str],
    task_tags: Collection[str],
    only: Collection[str],
    skip: Collection[str],
) -> list[str]:
    """Return the chosen roles: pure.

    All of them, when everything or a tag of the task itself is asked for (`always` says nothing
    about a role); otherwise those whose name is asked for. A skipped name is always out.
    """
    own = set(task_tags) - {_ALWAYS}
    everything = _ALL in only or (_TAGGED in only) or bool(own & set(only))
    short = {role: role.rsplit(".", 1)[-1] for role in roles}
    return [
        role for role in roles if (everything or short[role] in only) and short[role] not in skip
    ]

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes Python's garbage collector look seldom while a playbook runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: few_collections
type: aggregate
short_description: Makes Python's garbage collector look seldom
version_added: 0.1.0
description:
  - A controller forks one process for each host and task. Each of them would walk through all
    objects of its parent, which also copies their memory, and find nothing to free.
  - A run of seven hosts with nothing to do took 18 % less of the controller's time with this,
    as measured when it was added.
requirements:
  - enable in configuration with C(callbacks_enabled = biomax.platform.few_collections)
author: biomax.platform authors
"""

import gc

from ansible.plugins.callback import CallbackBase

# New objects between two looks at the youngest; Python's own value is 700.
_NEW_OBJECTS = 100_000


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible-core ships no type information
    """Leave what is there at the start of each play out of all later collections."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "biomax.platform.few_collections"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        gc.set_threshold(_NEW_OBJECTS)

    def v2_playbook_on_play_start(self, play: object) -> None:  # noqa: ARG002 - fixed signature
        """Workers of this play are forked next."""
        gc.freeze()

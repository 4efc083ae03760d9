# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that the lab shows to people."""

from __future__ import annotations


class LabError(Exception):
    """A lab operation that cannot go on.

    The message says what was tried, on what, what was found and what to do next.
    """

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed errors; a module's main() turns them into one message."""

from __future__ import annotations


class PlatformError(Exception):
    """Something an operator can act on.

    The message says what was tried, on which object, what was found and what to do next.
    """


class InputError(PlatformError, ValueError):
    """The declaration or argument is wrong; nothing was touched."""


class IntegrityError(PlatformError):
    """Bytes do not match the signed index; the old state was kept."""


class UnsafeError(PlatformError):
    """An interlock refused the step: data, quorum or access would be at risk."""


class NotReadyError(PlatformError):
    """A gate did not open before its deadline; the message lists what is missing."""

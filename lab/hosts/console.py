# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab prints: a moving line on a terminal, plain lines elsewhere; with times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Reporter:
    """Prints steps with the time that each took."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self.console = console
        self._started = time.monotonic()

    def line(self, text: str, seconds: float | None = None) -> None:
        """Print one finished line.

        Args:
            text: what was done.
            seconds: how long it took.
        """
        took = "       " if seconds is None else f"{seconds:5.1f} s"
        self.console.print(f"{took}  {text}", highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show a step while it runs, and its time when it is done."""
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(text):
                yield
        else:
            yield
        self.line(text, time.monotonic() - started)

    def total(self, text: str) -> None:
        """Print a last line with the time since the start of the command."""
        self.line(text, time.monotonic() - self._started)

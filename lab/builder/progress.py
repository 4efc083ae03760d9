"""Progress of a build: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.status import Status

HEARTBEAT_SECONDS = 30.0  # a plain log shows at least this often that a long step is alive
TICK_SECONDS = 1.0


def human_size(size: int) -> str:
    """Return `size` bytes as a person reads it, in binary units."""
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


class Step:
    """A step under way; `note` says how far it is, `say` prints a line at once."""

    def __init__(self, say: Callable[[str], None] = lambda _text: None) -> None:
        self.say = say
        self.note = ""


class Progress:
    """Prints each step with its number, what it does and how long it took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.total = 0
        self.number = 0
        self.started = time.monotonic()
        self.reused = 0

    def reuse(self) -> None:
        """Count a step whose result the cache had."""
        self.number += 1
        self.reused += 1

    def add(self, steps: int) -> None:
        """Announce `steps` more steps."""
        self.total += steps

    @contextmanager
    def step(self, text: str) -> Iterator[Step]:
        """Show `text` and the step's note while the body runs, then print it with its time."""
        step = Step(lambda line: self.console.print(line, markup=False))
        self.number += 1
        started = time.monotonic()
        done = threading.Event()
        live = self.console.is_terminal
        with self.console.status(self._line(text, 0.0)) if live else nullcontext() as status:
            ticker = threading.Thread(
                target=self._tick, args=(text, step, started, done, status), daemon=True
            )
            ticker.start()
            try:
                yield step
            finally:
                done.set()
                ticker.join()
        self.console.print(f"{self._line(text, time.monotonic() - started)} done", markup=False)

    def _tick(
        self, text: str, step: Step, started: float, done: threading.Event, status: Status | None
    ) -> None:
        while not done.wait(TICK_SECONDS if status else HEARTBEAT_SECONDS):
            line = f"{self._line(text, time.monotonic() - started)} {step.note}".rstrip()
            if status:
                status.update(line)
            else:
                self.console.print(f"{line} …", markup=False)

    def _line(self, text: str, seconds: float) -> str:
        elapsed = time.monotonic() - self.started
        return f"({self.number}/{self.total}) {text}  {seconds:.0f} s  (build {elapsed:.0f} s)"

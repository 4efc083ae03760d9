# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that the engine acts on: its file tree, its programs, its clock."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

STATE_DIR = "/var/lib/biomax-platform"
PROGRAM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Completed(NamedTuple):
    """A finished command: exit code and its text output."""

    code: int
    out: str
    err: str


Runner = Callable[[Sequence[str], float, Mapping[str, str]], Completed]


def run_command(argv: Sequence[str], timeout: float, extra: Mapping[str, str]) -> Completed:
    """Run `argv` in the C locale without input for at most `timeout` seconds.

    A missing program gives code 127 and a deadline that passed code 124, as a shell would say.
    """
    environment = {"PATH": PROGRAM_PATH, "LC_ALL": "C", "HOME": "/root", **extra}
    program = shutil.which(argv[0], path=PROGRAM_PATH)
    if not program:
        return Completed(127, "", f"{argv[0]}: not found")
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Completed(124, "", f"{argv[0]}: no end within {timeout:g} s")
    except OSError as error:
        return Completed(126, "", f"{argv[0]}: {error.strerror}")
    return Completed(
        done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )


@dataclass(frozen=True)
class Host:
    """A host below `root`; tests give another root, runner and clocks.

    Attributes:
        root: where the host's tree begins.
        runner: runs commands.
        wall: seconds since the epoch, for what people read.
        monotonic: seconds, for deadlines.
        sleep: waits seconds.
    """

    root: Path = Path("/")
    runner: Runner = run_command
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def at(self, path: str) -> Path:
        """Return where the host's absolute `path` is on this machine."""
        return self.root / path.lstrip("/")

    def state(self, *names: str) -> Path:
        """Return the real path of a file in the engine's state directory."""
        return self.at(STATE_DIR).joinpath(*names)

    def run(
        self, argv: Sequence[str], timeout: float = 300, extra: Mapping[str, str] | None = None
    ) -> Completed:
        """Run a command on the host; `timeout` in seconds, `extra` adds to its environment."""
        return self.runner(argv, timeout, extra or {})

    def must_run(
        self, argv: Sequence[str], timeout: float = 300, extra: Mapping[str, str] | None = None
    ) -> str:
        """Run a command that must succeed and return its standard output.

        Raises:
            PlatformError: it failed; the message has the command and the end of its output.
        """
        done = self.run(argv, timeout, extra)
        if done.code != 0:
            said = tail(done.err or done.out)
            raise PlatformError(f"`{' '.join(argv)}` ended with {done.code}: {said}")
        return done.out

    def read(self, path: str) -> bytes | None:
        """Return the content of the host's file `path`, or None when it is not there."""
        try:
            return self.at(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def user_id(self, name: str) -> int | None:
        """Return the numeric id of a user (numbers are taken as they are), or None."""
        return self._account("/etc/passwd", name)

    def group_id(self, name: str) -> int | None:
        """Return the numeric id of a group (numbers are taken as they are), or None."""
        return self._account("/etc/group", name)

    def _account(self, database: str, name: str) -> int | None:
        if name.isdigit():
            return int(name)
        for line in (self.read(database) or b"").decode(errors="replace").splitlines():
            fields = line.split(":")
            if len(fields) > 2 and fields[0] == name and fields[2].isdigit():
                return int(fields[2])
        return None


def tail(text: str, lines: int = 8) -> str:
    """Return the last `lines` lines of `text` that are not empty, joined for one message."""
    kept = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(kept[-lines:]) or "no output"

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs as a person would run them: argument lists, C locale, no proxy, output in the error."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import IO, Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def environment() -> dict[str, str]:
    """Return the environment for programs: a proxy would swallow requests to the cluster."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
    return {**kept, "LC_ALL": "C", "PATH": PATH}


def run(arguments: Sequence[str], *, stdin: str = "", seconds: float = 60.0) -> str:
    """Run a program and return what it printed.

    Args:
        arguments: The program and its arguments; none of them may be a secret.
        stdin: Text for its standard input.
        seconds: Deadline.

    Raises:
        PlatformError: It is not installed, failed or took too long; the message has its last words.
    """
    try:
        done = subprocess.run(
            list(arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=environment(),
        )
    except FileNotFoundError as error:
        raise PlatformError(
            f"{arguments[0]} is not installed. Run playbooks/converge_hosts.yml first."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PlatformError(f"{' '.join(arguments)} did not end within {seconds:.0f} s.") from error
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip())[-600:]
        raise PlatformError(f"{' '.join(arguments)} failed ({done.returncode}): {words}")
    return done.stdout


def run_logged(
    arguments: Sequence[str], log: IO[Any], *, keep_open: int, seconds: float = 1800.0
) -> None:
    """Run a long program whose output goes to a file, so that nobody's death can cut its pipe.

    Args:
        arguments: The program and its arguments.
        log: Open file for its output.
        keep_open: Descriptor of the host's membership lock; the program holds it too.
        seconds: Deadline.

    Raises:
        PlatformError: It failed or took too long.
    """
    try:
        done = subprocess.run(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
            env=environment(),
            pass_fds=(keep_open,),
        )
    except FileNotFoundError as error:
        raise PlatformError(f"{arguments[0]} is not installed.") from error
    except subprocess.TimeoutExpired as error:
        raise PlatformError(f"{' '.join(arguments)} did not end within {seconds:.0f} s.") from error
    if done.returncode != 0:
        raise PlatformError(f"{' '.join(arguments)} ended with {done.returncode}")

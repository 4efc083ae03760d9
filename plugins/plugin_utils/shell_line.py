# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person types on the controller to run a command on a host of the inventory."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PLAIN = re.compile(r"[\w@%+=:,./ -]*")


def shell_line(variables: Mapping[str, Any] | None, host: str, command: str) -> str:
    """Return `command` as it is typed on the controller.

    Args:
        variables: The host's variables; None for the controller, or a host that is not in the
            inventory.
        host: Its name.
        command: What to run there, as one line of shell.

    Returns:
        The command itself for the controller and local connections, else ``ssh …`` with what the
        inventory says of user, port, key and options.
    """
    if host == "localhost" or (variables or {}).get("ansible_connection") == "local":
        return command
    known = variables or {}
    words = ["ssh"]
    if key := known.get("ansible_ssh_private_key_file"):
        words += ["-i", shlex.quote(_short(str(key)))]
    words += [_short(word) for word in str(known.get("ansible_ssh_common_args") or "").split()]
    if port := known.get("ansible_port"):
        words += ["-p", str(port)]
    user = known.get("ansible_user")
    words.append(
        f"{user}@{known.get('ansible_host', host)}"
        if user
        else str(known.get("ansible_host", host))
    )
    return " ".join([*words, command if _PLAIN.fullmatch(command) else shlex.quote(command)])


def _short(word: str) -> str:
    """Return a path, or an option that ends with one, as it is typed in this directory."""
    return word.replace(f"{Path.cwd()}/", "")

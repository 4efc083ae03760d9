# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions over UDP. Standard library only: this runs on hosts."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Answer = TypeVar("Answer")


def ask(
    server: tuple[str, int],
    question: Callable[[], bytes],
    read: Callable[[bytes], Answer | None],
    waits: Sequence[float],
) -> Answer | None:
    """Ask a server, and once more after each wait without an answer.

    An answer that comes late, to an earlier question, counts as well: on a busy host it would
    otherwise be in the way of the next one. What is no answer is passed over.

    Args:
        server: Address, IPv4 or IPv6, and UDP port.
        question: Makes a new question.
        read: Returns what a packet says, or None when it answers none of the questions.
        waits: Seconds to wait after each question.

    Returns:
        The first answer; None when none comes, or the server cannot be asked.
    """
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        try:
            link.connect(server)
        except OSError:  # it is no address, or there is no way to it
            return None
        for wait in waits:
            end = time.monotonic() + wait
            try:
                link.send(question())
                while (left := end - time.monotonic()) > 0:
                    link.settimeout(left)
                    answer = read(link.recv(4096))
                    if answer is not None:
                        return answer
            except OSError:  # no answer in time, or none listens there
                continue
    return None

# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that answers datagrams as a test says."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def udp_server(reply: Callable[[bytes], bytes | None]) -> Iterator[tuple[int, list[bytes]]]:
    """Serve until the block ends; the value is the port and the requests that came.

    Args:
        reply: Returns the answer to a request, or None for none.
    """
    requests: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    packet, sender = link.recvfrom(4096)
                    if not packet:
                        return
                    requests.append(packet)
                    answer = reply(packet)
                    if answer is not None:
                        link.sendto(answer, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = link.getsockname()[1]
        yield port, requests
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", port))
        thread.join(timeout=5)

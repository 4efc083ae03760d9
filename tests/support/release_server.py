"""A local server of release files that can be as bad as the real ones: the faults of a test."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        status: answer with this status instead of the file.
        cut: close the connection after so many bytes of the body.
        stall: send nothing more after so many bytes, for `seconds`.
        pause: seconds between chunks of 64 KiB.
        body: serve this instead of the file.
    """

    status: int = 200
    cut: int | None = None
    stall: int | None = None
    seconds: float = 0.0
    pause: float = 0.0
    body: bytes | None = None


class ReleaseServer(ThreadingHTTPServer):
    """Serves `files`; `faults` are used up one for each request, the last of `always` never."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.always: dict[str, Fault] = {}
        self.ranges = True
        self.requests: list[tuple[str, str, str]] = []  # method, path, Range
        self.sent: Counter[str] = Counter()  # bytes of files by path
        self.token = ""  # wanted as Bearer when set

    @property
    def url(self) -> str:
        """Return the address of the server."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ReleaseServer

    def do_GET(self) -> None:
        server = self.server
        path = urlsplit(self.path).path
        wanted = self.headers.get("Range", "")
        server.requests.append(("GET", path, wanted))
        fault = server.faults[path].pop(0) if server.faults[path] else server.always.get(path)
        fault = fault or Fault()
        if path == "/token":
            self._answer(200, b'{"token": "%s"}' % server.token.encode(), Fault())
            return
        if server.token and self.headers.get("Authorization") != f"Bearer {server.token}":
            self._challenge()
            return
        data = fault.body if fault.body is not None else server.files.get(path)
        if fault.status != 200 or data is None:
            self._answer(404 if data is None else fault.status, b"not here\n", Fault())
            return
        start = re.fullmatch(r"bytes=(\d+)-", wanted)
        if not start or not server.ranges:
            self._answer(200, data, fault)
        elif int(start[1]) >= len(data):
            self._answer(416, b"", Fault(), f"bytes */{len(data)}")
        else:
            first = int(start[1])
            span = f"bytes {first}-{len(data) - 1}/{len(data)}"
            self._answer(206, data[first:], fault, span)

    def _challenge(self) -> None:
        self.send_response(401)
        challenge = f'Bearer realm="{self.server.url}/token",service="test",scope="pull"'
        self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: bytes, fault: Fault, span: str = "") -> None:
        path = urlsplit(self.path).path
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if span:
            self.send_header("Content-Range", span)
        for name, value in self.server.headers.get(path, {}).items():
            self.send_header(name, value)
        self.end_headers()
        end = len(body) if fault.cut is None else min(fault.cut, len(body))
        for first in range(0, end, CHUNK):
            if fault.stall is not None and first >= fault.stall:
                time.sleep(fault.seconds)
            if status in (200, 206):  # first: who has the last byte may look at once
                self.server.sent[path] += min(CHUNK, end - first)
            try:
                self.wfile.write(body[first : min(first + CHUNK, end)])
            except OSError:
                self.close_connection = True
                return
            time.sleep(fault.pause)
        if end < len(body):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing; requests are in the server's list."""


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    """Answer requests while the body runs."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

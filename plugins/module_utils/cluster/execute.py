# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program in a container through the API server, as ``kubectl exec`` does.

The protocol is ``v5.channel.k8s.io`` over a WebSocket: the first byte of each message names its
stream (k8s.io/apimachinery v0.36.3, pkg/util/remotecommand/constants.go).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import Access
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    ClusterError,
    UnreachableError,
)

PROTOCOL = "v5.channel.k8s.io"
_STDIN, _STDOUT, _STDERR, _STATUS, _CLOSE = 0, 1, 2, 3, 255
_CHUNK = 32 * 1024  # bytes of input in one message
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Container:
    """A container of a pod."""

    namespace: str
    pod: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod}, container {self.name}"


@dataclass(frozen=True)
class Output:
    """What a program wrote, and its exit code."""

    code: int
    stdout: str
    stderr: str


def execute(
    access: Access,
    container: Container,
    command: Sequence[str],
    stdin: bytes = b"",
    seconds: float = 60.0,
) -> Output:
    """Run a program to its end.

    Args:
        access: Where the API is and what opens it.
        container: Where to run it.
        command: Program and arguments; no shell reads them.
        stdin: What the program reads before the end of its input.
        seconds: How long it may take.

    Raises:
        UnreachableError: No connection, or it broke; the program may have run.
        ClusterError: The API server refused, the program could not be started or took too long.
    """
    import websocket  # noqa: PLC0415 - only runs that execute something pay for loading it

    deadline = time.monotonic() + seconds
    what = f"Running {command[0]} in {container}"
    try:
        connection = _connect(access, container, command)
        try:
            for message in _input(stdin):
                connection.send_binary(message)
            return _collect(connection, what, deadline)
        finally:
            connection.close(timeout=1)
    except websocket.WebSocketBadStatusException as error:
        raise ClusterError(f"{what}: the API server refused: {error}") from error
    except websocket.WebSocketTimeoutException as error:
        raise ClusterError(f"{what}: no end after {seconds:g} s; it may still run.") from error
    except (websocket.WebSocketException, OSError) as error:
        raise UnreachableError(f"{what}: the connection broke: {error}") from error


def _connect(access: Access, container: Container, command: Sequence[str]) -> Any:
    import websocket  # noqa: PLC0415 - see execute

    query = urlencode(
        [("container", container.name), ("stdin", "true"), ("stdout", "true"), ("stderr", "true")]
        + [("command", word) for word in command]
    )
    path = f"/api/v1/namespaces/{quote(container.namespace)}/pods/{quote(container.pod)}/exec"
    options: dict[str, Any] = {"context": access.context()}
    if access.server_name:
        options["server_hostname"] = access.server_name
    return websocket.create_connection(
        f"wss://{access.server.removeprefix('https://')}{path}?{query}",
        timeout=_CONNECT_SECONDS,
        sslopt=options,
        subprotocols=[PROTOCOL],
        header=[f"{name}: {value}" for name, value in access.headers().items()],
        http_no_proxy=["*"],
    )


def _input(stdin: bytes) -> Iterator[bytes]:
    """Yield the messages that carry the input and its end."""
    for start in range(0, len(stdin), _CHUNK):
        yield bytes([_STDIN]) + stdin[start : start + _CHUNK]
    yield bytes([_CLOSE, _STDIN])


def _collect(connection: Any, what: str, deadline: float) -> Output:
    """Read until the status of the program comes."""
    streams = {_STDOUT: bytearray(), _STDERR: bytearray()}
    while True:
        connection.settimeout(max(0.1, deadline - time.monotonic()))
        message = connection.recv()
        message = message.encode() if isinstance(message, str) else message
        if not message:
            raise UnreachableError(f"{what}: the connection ended without a status.")
        if message[0] in streams:
            streams[message[0]] += message[1:]
        elif message[0] == _STATUS:
            stdout, stderr = (streams[key].decode("utf-8", "replace") for key in streams)
            return Output(_exit_code(what, json.loads(message[1:])), stdout, stderr)


def _exit_code(what: str, status: dict[str, Any]) -> int:
    """Read the exit code from the status; ClusterError when the program did not run."""
    if status.get("status") == "Success":
        return 0
    for cause in status.get("details", {}).get("causes", ()):
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise ClusterError(f"{what}: {status.get('message', 'it failed without a reason')}")

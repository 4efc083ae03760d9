# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small generic client: known paths, typed errors, counted requests."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import (
    Access,
    read_access,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    BusyError,
    UnreachableError,
    error_of,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import MANAGER, Ref
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

CONNECT_SECONDS, READ_SECONDS = 3.0, 30.0
ETCD_CHECK = "/readyz/etcd"  # of kube-apiserver; it gives up after 2 s
Query = Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """Status and body of an answer."""

    code: int
    body: bytes


class Transport(Protocol):
    """Sends one request; raises UnreachableError when no answer comes."""

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        """Send one request to a path that includes its query."""


class HttpTransport:
    """Transport over a pool of verified connections."""

    def __init__(self, access: Access) -> None:
        """Open the pool; nothing is sent yet.

        Args:
            access: Where the API is and what opens it.
        """
        self._server = access.server
        self._headers = {"Accept": "application/json, */*", **access.headers()}
        self._pool = access.pool()

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        """Send one request; see Transport."""
        try:
            return self._ask(method, path, body, content_type)
        except ReadTimeoutError as error:
            raise UnreachableError(
                f"The Kubernetes API at {self._server} took {method} {path} and did not answer "
                f"within {READ_SECONDS:g} s{self._word_of_etcd()}"
            ) from error
        except (HTTPError, OSError) as error:
            raise UnreachableError(
                f"Cannot reach the Kubernetes API at {self._server}: {error}"
            ) from error

    def _ask(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Type"] = content_type
        answer = self._pool.request(
            method,
            self._server + path,
            headers=headers,
            body=body,
            timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )
        return Reply(int(answer.status), bytes(answer.data or b""))

    def _word_of_etcd(self) -> str:
        """Ask how etcd is: behind a slow one a request waits, and the API server says nothing."""
        try:
            reply = self._ask("GET", ETCD_CHECK, None, "")
        except (HTTPError, OSError):
            return ""
        if reply.code == 200:
            return ""
        return f"; of its etcd it says: {reply.body.decode('utf-8', 'replace').strip()}"


@dataclass(frozen=True)
class Pace:
    """How time passes; tests give their own, so that nothing sleeps.

    Attributes:
        sleep: Waits that many seconds.
        clock: Monotonic clock in seconds.
    """

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class _Request:
    """One request and what to call it in messages and counters."""

    verb: str
    method: str
    path: str
    what: str
    query: Query
    body: bytes | None = None
    content_type: str = "application/json"

    @property
    def target(self) -> str:
        """Path with its query, escaped."""
        path = quote(self.path, safe="/:")
        return f"{path}?{urlencode(self.query)}" if self.query else path


class KubeClient:
    """Verbs on paths, with retries while the endpoint moves or etcd elects a leader."""

    def __init__(
        self,
        transport: Transport,
        retry_seconds: float = 20.0,
        pace: Pace | None = None,
    ) -> None:
        """Wrap a transport.

        Args:
            transport: Sends the requests.
            retry_seconds: How long an unreachable or busy server is asked again after its first
                failure; every verb here may be repeated without harm.
            pace: Clock and sleep.
        """
        self._transport = transport
        self.retry_seconds = retry_seconds
        self.pace = pace or Pace()
        self._lock = threading.Lock()
        self.requests: Counter[str] = Counter()

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read one object or a list."""
        what = f"read {path}"
        return self._json(what, self._send(_Request("get", "GET", path, what, query)))

    def text(self, path: str, **query: str) -> str:
        """Read text: logs, health, or what a pod answers through the API's proxy."""
        reply = self._send(_Request("get", "GET", path, f"read {path}", query))
        return reply.body.decode("utf-8", "replace")

    def create(self, path: str, item: Mapping[str, Any]) -> dict[str, Any]:
        """Create an object in a collection.

        Raises:
            ConflictError: It is there already.
            ClusterError: The server refused it.
        """
        what = f"create {Ref.of(item)}"
        body = json.dumps(item).encode()
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        return self._json(what, self._send(_Request("create", "POST", path, what, query, body)))

    def apply(
        self, path: str, item: Mapping[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> tuple[dict[str, Any], bool]:
        """Apply an object server-side as our field manager.

        Args:
            path: Path of the object.
            item: The declaration.
            dry_run: Only ask what would be.
            force: Take the fields of other managers.

        Returns:
            The object as it is now (or would be) and whether it is new.

        Raises:
            ConflictError: Another manager owns a field.
            ClusterError: The server refused it.
        """
        query = {"force": "true"} if force else {}
        what = f"{'plan' if dry_run else 'apply'} {Ref.of(item)}"
        reply = self._patch("apply", path, what, item, query | _dry(dry_run))
        return self._json(what, reply), reply.code == 201

    def merge(
        self, path: str, patch: Mapping[str, Any], *, dry_run: bool = False
    ) -> dict[str, Any]:
        """Patch an object by JSON merge patch; a resourceVersion in it guards against races."""
        what = f"{'plan' if dry_run else 'patch'} {path}"
        return self._json(what, self._patch("merge", path, what, patch, _dry(dry_run)))

    def delete(self, path: str, uid: str) -> None:
        """Delete exactly the object with that uid, its dependents in the background."""
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        what = f"delete {path}"
        self._send(_Request("delete", "DELETE", path, what, {}, json.dumps(body).encode()))

    def _patch(
        self, form: str, path: str, what: str, body: Mapping[str, Any], query: Query
    ) -> Reply:
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict", **query}
        verb = "dry_run" if "dryRun" in query else form
        content = "apply-patch+yaml" if form == "apply" else "merge-patch+json"
        return self._send(
            _Request(
                verb,
                "PATCH",
                path,
                what,
                query,
                json.dumps(body).encode(),
                f"application/{content}",
            )
        )

    def _send(self, request: _Request) -> Reply:
        deadline: float | None = None
        pause = 0.25
        while True:
            with self._lock:
                self.requests[request.verb] += 1
            try:
                reply = self._transport.send(
                    request.method, request.target, request.body, request.content_type
                )
                if reply.code < 400:
                    return reply
                raise error_of(request.what, reply.code, _status(reply))
            except (UnreachableError, BusyError):
                # Counted from the first failure: one answer that never came, which is waited for
                # longer than this, must not use up the time for asking again.
                now = self.pace.clock()
                deadline = now + self.retry_seconds if deadline is None else deadline
                if now + pause > deadline:
                    raise
                self.pace.sleep(pause)
                pause = min(pause * 2, 2.0)

    @staticmethod
    def _json(what: str, reply: Reply) -> dict[str, Any]:
        parsed = _status(reply)
        if not parsed:
            raise error_of(what, reply.code, {"message": f"no JSON object: {reply.body[:120]!r}"})
        return parsed


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}


def _status(reply: Reply) -> dict[str, Any]:
    try:
        parsed = json.loads(reply.body)
    except ValueError:
        return {"message": reply.body.decode("utf-8", "replace")[:300]} if reply.code >= 400 else {}
    return parsed if isinstance(parsed, dict) else {}


def open_client(kubeconfig: str, retry_seconds: float = 20.0) -> KubeClient:
    """Open a client for a kubeconfig file.

    Args:
        kubeconfig: Path of the file.
        retry_seconds: How long an unreachable or busy server is asked again.

    Returns:
        The client; nothing was sent yet.

    Raises:
        UnreachableError: The file does not exist, so there is no cluster yet.
        InputError: The file is no kubeconfig.
    """
    path = Path(kubeconfig).expanduser()
    if not path.is_file():
        raise UnreachableError(
            f"Cannot open the cluster: {path} does not exist; playbooks/form_cluster.yml writes it."
        )
    return KubeClient(HttpTransport(read_access(path)), retry_seconds)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API as a member host reaches it: its own server, the endpoint, its peers."""

from __future__ import annotations

from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.membership.https import (
    Reply,
    Server,
    Unanswered,
    from_kubeconfig,
    probing,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.kubeconfig import (
    read_kubeconfig,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.nodes import (
    NodeState,
    parse_node,
)

READY = "ready"  # /readyz says 200
ANSWERS = "answers"  # something speaks TLS and HTTP there, and is not ready
SILENT = "silent"  # nothing usable
PROBE_SECONDS = 2.0


def probe(host: str, port: int, timeout: float = PROBE_SECONDS) -> str:
    """Ask ``/readyz`` without credentials and without trust.

    Args:
        host: Address or name.
        port: TCP port.
        timeout: Seconds.

    Returns:
        ``ready``, ``answers`` or ``silent``.
    """
    try:
        reply = Server(host, port, probing(), timeout).ask("/readyz")
    except Unanswered:
        return SILENT
    return READY if reply.status == 200 else ANSWERS


class ClusterApi:
    """The API with a host's own kubeconfig.

    Args:
        server: Server with its client certificate.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    @classmethod
    def of_host(cls, layout: Layout, name: str, address: str = "", port: int = 0) -> ClusterApi:
        """Open a kubeconfig below ``/etc/kubernetes``.

        Args:
            layout: Paths of the host.
            name: File name, such as ``admin.conf``.
            address: Ask this server instead of the one in the file; its certificate must name it.
            port: Its port.

        Raises:
            Unanswered: The file is missing or unusable.
        """
        config = read_kubeconfig(layout.kubernetes / name)
        if config is None:
            raise Unanswered(f"{layout.kubernetes / name} does not exist.")
        if address:
            config = type(config)(
                f"https://{address}:{port}",
                config.ca,
                config.certificate,
                config.key,
                config.client_file,
            )
        return cls(from_kubeconfig(config))

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        accepted: tuple[int, ...] = (200, 201, 202),
    ) -> Reply:
        """Make a request and insist on its success.

        Args:
            method: HTTP method; PATCH sends a merge patch.
            path: Path with its query.
            body: Object to send.
            accepted: Statuses that are a success.

        Raises:
            Unanswered: No answer, or another status.
        """
        media = "application/merge-patch+json" if method == "PATCH" else "application/json"
        reply = self._server.ask(path, method, body, media)
        if reply.status not in accepted:
            raise Unanswered(
                f"{method} {path} at {self._server.host}: HTTP {reply.status} {reply.body[:300]}"
            )
        return reply

    def ready(self) -> bool:
        """Say whether ``/readyz`` holds."""
        try:
            return self._server.ask("/readyz").status == 200
        except Unanswered:
            return False

    def nodes(self) -> list[NodeState]:
        """List the nodes.

        Raises:
            Unanswered: The API does not answer.
        """
        return [parse_node(item) for item in self.call("GET", "/api/v1/nodes").json()["items"]]

    def node(self, name: str) -> NodeState | None:
        """Read one node; None when it is not registered.

        Raises:
            Unanswered: The API does not answer.
        """
        reply = self.call("GET", f"/api/v1/nodes/{name}", accepted=(200, 404))
        return None if reply.status == 404 else parse_node(reply.json())

    def delete(self, path: str) -> bool:
        """Delete an object; return whether it was there.

        Raises:
            Unanswered: The API does not answer or refuses.
        """
        return self.call("DELETE", path, accepted=(200, 202, 404)).status != 404

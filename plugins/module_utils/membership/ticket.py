# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the leader does for a join: clean up, prove health, hand out credentials, take them back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    NotReadyError,
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    durable,
    escrow,
    etcd,
    kubeadm,
    ledger,
    tokens,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.api import (
    READY,
    ClusterApi,
    probe,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.command import run
from ansible_collections.biomax.platform.plugins.module_utils.membership.kubeconfig import (
    ca_fingerprint,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.nodes import (
    READY as NODE_READY,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.nodes import (
    missing_nodes,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import (
    Node,
    Settings,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.steps import Ticket

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Leader:
    """A live control plane that acts for the cluster.

    Args:
        layout: Paths of the host.
        settings: Declaration of the cluster.
        node: The host.
    """

    layout: Layout
    settings: Settings
    node: Node

    def api(self) -> ClusterApi:
        """Open this host's own API server as administrator.

        Raises:
            Unanswered: There is no usable admin.conf.
        """
        return ClusterApi.of_host(
            self.layout, "admin.conf", self.node.address, self.settings.backend_port
        )

    def etcd(self) -> etcd.EtcdClient:
        """Open this host's own etcd member.

        Raises:
            Unanswered: Its client certificate is missing.
        """
        return etcd.EtcdClient(self.layout.pki)

    def check(self) -> None:
        """Refuse to lead while this host's own membership is not finished.

        Raises:
            UnsafeError: Its init or join is half done.
        """
        intent = ledger.read_intent(self.layout)
        if intent is not None:
            raise UnsafeError(
                f"{self.node.name} cannot lead: its own {intent.action} begun at {intent.started}"
                " is not finished. Run again without --limit, so that it is repaired first."
            )

    def missing(self, nodes: Sequence[str] = (), *, whole: bool = True) -> list[str]:
        """Say what keeps the cluster from being healthy.

        Args:
            nodes: Nodes that must have arrived, besides the control planes.
            whole: Also ask for every etcd member and every API server, not only for a quorum.
        """
        settings = self.settings
        try:
            api = self.api()
            found = [] if api.ready() else [f"the API server of {self.node.name} is not ready"]
            members = self.etcd().members()
            known = api.nodes()
        except (PlatformError, OSError) as error:
            return [str(error)]
        if whole:
            found += etcd.problems(members)
            found += [
                f"the API server at {member.peer_address} is not ready"
                for member in members
                if probe(member.peer_address, settings.backend_port) != READY
            ]
            nodes = [*(node.name for node in known if node.control_plane), *nodes]
        found += missing_nodes(known, dict.fromkeys(nodes))
        if probe(settings.endpoint, settings.endpoint_port) != READY:
            found.append(f"the endpoint {settings.control_plane_endpoint} is not ready")
        return found


def gate(
    missing: Callable[[], list[str]],
    seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until nothing is missing.

    Args:
        missing: Looks and says what is missing.
        seconds: Deadline.
        sleep: Waits.
        clock: Monotonic seconds.

    Raises:
        NotReadyError: Something is still missing at the deadline; the message lists it.
    """
    deadline = clock() + seconds
    while found := missing():
        if clock() >= deadline:
            raise NotReadyError(
                f"The cluster was not healthy within {seconds:.0f} s, so the next step was not"
                f" taken: {'; '.join(found)}. Bring that in order and run again."
            )
        sleep(_POLL_SECONDS)


def remove_traces(leader: Leader, joining: Node, *, half_done: bool) -> list[str]:
    """Remove from the cluster what an earlier, unfinished join of the same host left.

    Args:
        leader: A live control plane.
        joining: The host that will join.
        half_done: Whether the host's own ledger proves that its join was ours and not finished.

    Returns:
        What was removed.

    Raises:
        UnsafeError: What is there is not provably ours, or the quorum would be at risk.
        Unanswered: The cluster does not answer.
    """
    return [
        *_remove_etcd_member(leader, joining, half_done=half_done),
        *_remove_node(leader, joining, half_done=half_done),
    ]


def _remove_etcd_member(leader: Leader, joining: Node, *, half_done: bool) -> list[str]:
    client = leader.etcd()
    members = client.members()
    removed = []
    for member in members:
        if member.peer_address != joining.address:
            continue
        if not (member.learner or half_done):
            raise UnsafeError(
                f"{joining.name} is blank, but etcd has the voting member"
                f" {member.name or member.id} at {joining.address}. Replacing a lost member is a"
                " decision: use playbooks/replace_node.yml when it is available, or remove the"
                f" member by hand (etcdctl member remove {int(member.id):x})."
            )
        etcd.check_removal(members, member)
        client.remove(member)
        removed.append(f"etcd member {member.name or member.peer_address}")
    return removed


def _remove_node(leader: Leader, joining: Node, *, half_done: bool) -> list[str]:
    api = leader.api()
    node = api.node(joining.name)
    if node is None:
        return []
    if half_done:
        api.delete(f"/api/v1/nodes/{joining.name}")
        return [f"node {joining.name}"]
    if node.state == NODE_READY:
        raise UnsafeError(
            f"{joining.name} is blank, but a node of this name is ready in the cluster with"
            f" {', '.join(node.addresses)}. Two hosts must not share a name; if the host was"
            " just reinstalled, wait a minute until its old node is not ready."
        )
    return []


def issue(leader: Leader, joining: Sequence[Node]) -> Ticket:
    """Make the credentials of a join; they end by themselves within minutes.

    Args:
        leader: A live control plane.
        joining: One control plane, or any number of workers.

    Raises:
        Unanswered: The API does not answer.
        PlatformError: kubeadm could not upload the certificates.
    """
    api = leader.api()
    token = tokens.new_token()
    names = ", ".join(node.name for node in joining)
    tokens.create_token(api, token, f"join of {names}"[:120])
    authority = (leader.layout.pki / "ca.crt").read_text(encoding="ascii")
    ticket = Ticket(authority, ca_fingerprint(leader.layout.pki / "ca.crt"), token)
    if not any(node.is_control_plane for node in joining):
        return ticket
    key = _upload_certificates(leader, token)
    tokens.shorten_certificates(api)
    return replace(
        ticket,
        certificate_key=key,
        encryption=leader.layout.encryption.read_text(encoding="utf-8"),
        escrow=escrow.read_sealed(leader.layout),
    )


def _upload_certificates(leader: Leader, token: str) -> str:
    """Put the shared certificates into the cluster, encrypted; return the key."""
    key = tokens.new_certificate_key()
    first, *rest = kubeadm.init_documents(leader.settings, leader.node, token)
    path = leader.layout.runtime / "upload.yaml"
    text = kubeadm.to_text([{**first, "certificateKey": key}, *rest])
    durable.write_file(path, text.encode())
    arguments = ["kubeadm", "init", "phase", "upload-certs", "--upload-certs"]
    try:
        run([*arguments, "--skip-certificate-key-print", "--config", str(path)], seconds=120)
    finally:
        durable.remove_file(path)
    return key

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs: start a cluster, join one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    NotReadyError,
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    durable,
    escrow,
    kubeadm,
    ledger,
    tokens,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.api import ClusterApi
from ansible_collections.biomax.platform.plugins.module_utils.membership.command import (
    run,
    run_logged,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.etcd import EtcdClient
from ansible_collections.biomax.platform.plugins.module_utils.membership.job import (
    Step,
    Tools,
    now,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.observe import leftovers
from ansible_collections.biomax.platform.plugins.module_utils.membership.reset import (
    check_reset,
    reset_step,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import (
    Node,
    Settings,
)

_CONFIRM_SECONDS = 120.0
_CLUSTER_INFO = (
    "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-public/rolebindings/"
    "kubeadm:bootstrap-signer-clusterinfo",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-public/roles/"
    "kubeadm:bootstrap-signer-clusterinfo",
    "/api/v1/namespaces/kube-public/configmaps/cluster-info",
)


@dataclass(frozen=True)
class Ticket:
    """What a joining host gets of the leader.

    Args:
        ca: Certificate authority of the cluster, PEM.
        ca_fingerprint: Its SHA-256.
        token: Bootstrap token.
        certificate_key: Key of the uploaded certificates; empty for a worker.
        encryption: Encryption configuration of the API servers; empty for a worker.
        escrow: Its sealed copies by file name.
    """

    ca: str
    ca_fingerprint: str
    token: str
    certificate_key: str = ""
    encryption: str = ""
    escrow: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One job on one host.

    Args:
        layout: Paths of the host.
        settings: Declaration of the cluster.
        node: The host.
        reset: Whether half-done work of ours is removed first.
    """

    layout: Layout
    settings: Settings
    node: Node
    reset: bool = False

    def intent(self, action: str, ca: str = "") -> ledger.Intent:
        """Return the intent of this attempt; it counts on from an open one."""
        before = ledger.read_intent(self.layout)
        return ledger.Intent(
            action=action,
            role=self.node.role,
            node=self.node.name,
            cluster=self.settings.control_plane_endpoint,
            ca=ca,
            version=self.settings.version,
            started=now(),
            attempt=1 if before is None else before.attempt + 1,
            configuration=kubeadm.configuration_hash(self.settings),
        )

    def check_host(self) -> None:
        """Check that the host may be worked on.

        Raises:
            UnsafeError: It is not blank and holds no half-done work of ours.
            PlatformError: kubeadm is missing or has another version.
        """
        left = leftovers(self.layout)
        if self.reset:
            check_reset(self.layout, self.settings, self.node)
        elif left:
            raise UnsafeError(
                f"{self.node.name} is not blank any more: {', '.join(left[:6])}."
                " Nothing was touched; run again to look and plan anew."
            )
        found = run(["kubeadm", "version", "-o", "short"]).strip().removeprefix("v")
        if found != self.settings.version:
            raise PlatformError(
                f"kubeadm on {self.node.name} is {found}, wanted {self.settings.version}."
                " Run playbooks/converge_hosts.yml first."
            )


def prepare_init(task: Task, recipient: str) -> tuple[ledger.Intent, list[Step]]:
    """Make ready what ``kubeadm init`` needs: the encryption key, sealed, and its configuration.

    Args:
        task: The job.
        recipient: age recipient of the site.

    Returns:
        The intent and the steps, for ``job.start``.

    Raises:
        UnsafeError: The host is not blank.
        PlatformError: The key could not be sealed, or a program is missing.
    """
    task.check_host()
    config = escrow.ensure_encryption_config(task.layout)
    escrow.ensure_sealed(task.layout, config, recipient)
    token = tokens.new_token()
    documents = kubeadm.init_documents(task.settings, task.node, token)
    path = task.layout.runtime / "kubeadm.yaml"
    durable.write_file(path, kubeadm.to_text(documents).encode())
    steps = [
        _kubeadm_step("init", path, "--skip-token-print", "--skip-certificate-key-print"),
        Step("close the public discovery", lambda tools: _close_discovery(task, tools, token)),
        Step("wait until the host is a member", lambda _tools: confirm(task)),
    ]
    return task.intent("init"), _with_reset(task, steps)


def prepare_join(task: Task, ticket: Ticket) -> tuple[ledger.Intent, list[Step]]:
    """Make ready what ``kubeadm join`` needs.

    Args:
        task: The job.
        ticket: Credentials from the leader.

    Returns:
        The intent and the steps, for ``job.start``.

    Raises:
        UnsafeError: The host is not blank.
        PlatformError: A program is missing.
    """
    task.check_host()
    if task.node.is_control_plane:
        escrow.install(task.layout, ticket.encryption, ticket.escrow)
    discovery = task.layout.runtime / "discovery.conf"
    server = f"https://{task.settings.control_plane_endpoint}"
    content = tokens.discovery_kubeconfig(server, ticket.ca, ticket.token)
    durable.write_file(discovery, content.encode())
    secrets = kubeadm.JoinSecrets(str(discovery), ticket.certificate_key)
    path = task.layout.runtime / "kubeadm.yaml"
    documents = kubeadm.join_documents(task.settings, task.node, secrets)
    durable.write_file(path, kubeadm.to_text(documents).encode())
    join = _kubeadm_step("join", path)
    if not task.node.is_control_plane:
        join = once_more(join, reset_step(task.settings, task.node))
    steps = [join, Step("wait until the host is a member", lambda _tools: confirm(task))]
    return task.intent("join", ticket.ca_fingerprint), _with_reset(task, steps)


def finish(task: Task, ca: str) -> None:
    """Close the books on a join that is complete in the cluster.

    Args:
        task: The host.
        ca: SHA-256 of the cluster's authority.

    Raises:
        PlatformError: No join is open.
    """
    intent = ledger.read_intent(task.layout)
    if intent is None:
        raise PlatformError(f"No membership work is open on {task.node.name}.")
    # kubeadm removes it when the kubelet has its own certificate; a cut run may not have got there.
    durable.remove_file(task.layout.kubernetes / "bootstrap-kubelet.conf")
    ledger.write_record(task.layout, intent, ca, now())


def confirm(
    task: Task,
    seconds: float = _CONFIRM_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until the cluster knows this host.

    Raises:
        NotReadyError: It did not within the time; the message says what is missing.
    """
    deadline = time.monotonic() + seconds
    while True:
        missing = _missing(task)
        if not missing:
            return
        if time.monotonic() >= deadline:
            raise NotReadyError(
                f"{task.node.name} did not become a member within {seconds:.0f} s: {missing}."
            )
        sleep(0.5)


def _missing(task: Task) -> str:
    """What keeps this host from being a member; empty when it is one."""
    layout, settings, node = task.layout, task.settings, task.node
    try:
        found = ClusterApi.of_host(layout, "kubelet.conf").node(node.name)
        if found is None:
            return f"node {node.name} is not registered"
        if not node.is_control_plane:
            return ""
        own = ClusterApi.of_host(layout, "admin.conf", node.address, settings.backend_port)
        if not own.ready():
            return "its API server is not ready"
        members = EtcdClient(layout.pki).members()
    except (PlatformError, OSError) as error:
        return str(error)
    if not any(
        member.peer_address == node.address and member.voter and member.healthy
        for member in members
    ):
        return "its etcd member is not a healthy voter"
    return ""


def _with_reset(task: Task, steps: list[Step]) -> list[Step]:
    return [reset_step(task.settings, task.node), *steps] if task.reset else steps


def _kubeadm_step(verb: str, config: Path, *flags: str) -> Step:
    arguments = ["kubeadm", verb, "--config", str(config), *flags]
    return Step(
        f"kubeadm {verb}",
        lambda tools: run_logged(arguments, tools.log, keep_open=tools.lock),
    )


def once_more(join: Step, reset: Step) -> Step:
    """Let a worker's join try again after a failure, such as an API that was busy for a moment.

    A control plane must not: its etcd member may be announced, and that is removed by the leader.

    Args:
        join: The step that may fail.
        reset: Removes what it did.
    """

    def act(tools: Tools) -> None:
        try:
            join.act(tools)
        except PlatformError as error:
            tools.log.write(f"= {error}; remove what it did and try once more\n")
            tools.log.flush()
            reset.act(tools)
            join.act(tools)

    return Step(join.name, act)


def _close_discovery(task: Task, tools: Tools, token: str) -> None:
    """Remove what kubeadm publishes for joins without credentials; ours carry their own."""
    api = ClusterApi.of_host(
        tools.layout, "admin.conf", task.node.address, task.settings.backend_port
    )
    for path in _CLUSTER_INFO:
        api.delete(path)
    api.delete(f"{tokens.SECRETS_PATH}/{tokens.secret_name(token)}")

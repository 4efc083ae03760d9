# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removal of our own half-done work from a host, behind interlocks that look once more."""

from __future__ import annotations

import shutil

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import ledger
from ansible_collections.biomax.platform.plugins.module_utils.membership.api import ClusterApi
from ansible_collections.biomax.platform.plugins.module_utils.membership.command import run_logged
from ansible_collections.biomax.platform.plugins.module_utils.membership.etcd import (
    EtcdClient,
    Member,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.https import Unanswered
from ansible_collections.biomax.platform.plugins.module_utils.membership.job import Step, Tools
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.observe import leftovers
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import (
    Node,
    Settings,
)


def check_reset(layout: Layout, settings: Settings, node: Node) -> None:
    """Refuse to remove anything that is not provably our own half-done work.

    Args:
        layout: Paths of the host.
        settings: Declaration of the cluster.
        node: This host.

    Raises:
        UnsafeError: No open intent, or others already rely on what is here.
    """
    intent = ledger.read_intent(layout)
    if intent is None:
        raise UnsafeError(
            f"Refused to reset {node.name}: no membership work of ours is open on it, so its state"
            f" ({', '.join(leftovers(layout)[:4]) or 'none'}) is not ours to remove."
        )
    members = _local_members(layout)
    others = [member for member in members if member.peer_address != node.address]
    voting = [member for member in members if member.peer_address == node.address and member.voter]
    if others and (intent.action == "init" or voting):
        raise UnsafeError(
            f"Refused to reset {node.name}: its etcd member shares data with"
            f" {', '.join(member.name or member.peer_address for member in others)}."
            " Remove the member from the cluster first."
        )
    if intent.action == "init":
        _check_alone(layout, settings, node)


def reset_step(settings: Settings, node: Node) -> Step:
    """Return the step that removes half-done work; it checks again when it runs."""

    def act(tools: Tools) -> None:
        check_reset(tools.layout, settings, node)
        # No kubeconfig: the cluster was cleaned through a live member already, and asking an API
        # that is not there would only cost minutes.
        arguments = ["kubeadm", "reset", "--force", "--cri-socket", settings.cri_socket]
        arguments += ["--kubeconfig", "/nonexistent", "--skip-phases", "remove-etcd-member"]
        run_logged(arguments, tools.log, keep_open=tools.lock)
        empty_directory(tools.layout)
        left = leftovers(tools.layout)
        if left:
            raise PlatformError(f"kubeadm reset left {', '.join(left)} on {node.name}.")
        ledger.forget(tools.layout)

    return Step(f"remove the half-done work from {node.name}", act)


def empty_directory(layout: Layout) -> None:
    """Remove the data of the local etcd member; the directory itself may be a mount and stays."""
    for path in layout.etcd.glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _local_members(layout: Layout) -> list[Member]:
    try:
        return EtcdClient(layout.pki).members()
    except Unanswered:
        return []


def _check_alone(layout: Layout, settings: Settings, node: Node) -> None:
    """Refuse when nodes have already come to a cluster whose init we take for half done."""
    try:
        api = ClusterApi.of_host(layout, "admin.conf", node.address, settings.backend_port)
        others = [found.name for found in api.nodes() if found.name != node.name]
    except PlatformError:
        return
    if others:
        raise UnsafeError(
            f"Refused to reset {node.name}: nodes {', '.join(others)} are registered in the"
            " cluster that was begun on it."
        )

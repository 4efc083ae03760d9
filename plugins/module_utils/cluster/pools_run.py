# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One reconciliation of node pools: list, plan, patch what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ConflictError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import BUILTIN
from ansible_collections.biomax.platform.plugins.module_utils.cluster.node_pools import (
    NodePlan,
    Pool,
    check_bounds,
    parse_pools,
    plan_node,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import (
    Approval,
    digest,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import NotReadyError

_NODE = BUILTIN[("v1", "Node")]
# https://kubernetes.io/docs/reference/labels-annotations-taints/: set and lifted by controllers
_CONDITIONS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
_ATTEMPTS = 5  # the kubelet and the node controllers write the same object

Members = Sequence[Mapping[str, str]]


def reconcile_pools(  # noqa: PLR0913 - each argument is one decision of the caller
    client: KubeClient | None,
    pools: Mapping[str, Any],
    members: Members,
    *,
    may_be_small: bool,
    check: bool,
    approval: Approval | None = None,
) -> dict[str, Any]:
    """Give every node of the inventory the labels and taints of its pool.

    Nodes that the inventory does not name are left alone.

    Args:
        client: Client of the cluster; None when there is none yet, which only check mode allows.
        pools: Name to ``{group, labels, taints, min, max}``.
        members: Cluster nodes with ``name`` and ``pool`` (empty for none).
        may_be_small: A pool may go below its minimum: in a lab, and while hosts are absent.
        check: Only plan.
        approval: What may be done; None when nothing binds this call.

    Returns:
        ``changed``, ``plan``, ``diff``, ``requests``.

    Raises:
        InputError: A pool is wrong or has too few or too many nodes.
        NotReadyError: A node of the inventory has not joined the cluster.
        UnsafeError: The plan is not the approved one; nothing was changed.
        ClusterError: The API server refused something.
    """
    parsed = parse_pools(pools)
    check_bounds(parsed, members, may_be_small=may_be_small)
    live = _nodes(client)
    missing = [member["name"] for member in members if member["name"] not in live]
    if missing and not check:
        raise _not_joined(missing)
    pool_of = {member["name"]: parsed.get(member.get("pool", "")) for member in members}
    plans = [plan_node(live.get(name) or _blank(name), pool) for name, pool in pool_of.items()]
    changes = [plan for plan in plans if plan.patch]
    rows = [_row(plan, derived=plan.node in missing) for plan in changes]
    if approval:
        approval.verify(rows, check=check)
    if client is not None and not check:
        for plan in changes:
            _patch(client, live[plan.node], plan, pool_of[plan.node], approval)
    return _result(changes, rows, client)


def _not_joined(missing: Sequence[str]) -> NotReadyError:
    return NotReadyError(
        f"Cannot label {', '.join(missing)}: not in the cluster yet. Run playbooks/"
        "form_cluster.yml, or put a host that is dead into group absent."
    )


def _nodes(client: KubeClient | None) -> dict[str, dict[str, Any]]:
    if client is None:
        return {}
    return {item["metadata"]["name"]: item for item in client.get(_NODE.list_path())["items"]}


def _blank(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {}}


def _patch(
    client: KubeClient,
    node: Mapping[str, Any],
    plan: NodePlan,
    pool: Pool | None,
    approval: Approval | None,
) -> None:
    """Patch under the resourceVersion that was planned on; plan anew when somebody was faster."""
    path = _NODE.object_path(plan.node)
    for attempt in range(_ATTEMPTS):
        guard = {"resourceVersion": node["metadata"]["resourceVersion"]}
        patch = {**plan.patch, "metadata": {**plan.patch.get("metadata", {}), **guard}}
        try:
            client.merge(path, patch)
            return
        except ConflictError:
            if attempt == _ATTEMPTS - 1:
                raise
            node = client.get(path)
            plan = plan_node(node, pool)
            if not plan.patch:
                return
            if approval:
                approval.verify([_row(plan, derived=False)])


def _row(plan: NodePlan, *, derived: bool) -> dict[str, Any]:
    """The plan of a node as a row of the report."""
    return {
        "role": "node_pools",
        "kind": "Node",
        "name": plan.node,
        "action": "update",
        "detail": "known after form_cluster" if derived else _detail(plan),
        "changes": True,
        "derived": derived,
        "declared": digest([plan.after["labels"], plan.after["owned"]]),
        "observed": {**plan.before, "taints": _lasting(plan.before["taints"])},
    }


def _lasting(taints: Sequence[str]) -> list[str]:
    """Taints but those by which the cluster itself says how a node is at this moment."""
    return [taint for taint in taints if not taint.startswith(_CONDITIONS)]


def _result(
    changes: Sequence[NodePlan], rows: Sequence[Mapping[str, Any]], client: KubeClient | None
) -> dict[str, Any]:
    requests = dict(client.requests) if client else {}
    return {
        "changed": bool(changes),
        "plan": [*rows],
        "diff": [
            {
                "before_header": f"Node {plan.node}",
                "after_header": f"Node {plan.node}",
                "before": yaml.safe_dump(dict(plan.before), sort_keys=True),
                "after": yaml.safe_dump(dict(plan.after), sort_keys=True),
            }
            for plan in changes
        ],
        "requests": {**requests, "total": sum(requests.values())},
    }


def _detail(plan: NodePlan) -> str:
    """Say which of labels, taints and the record change."""
    changed = [key for key in ("labels", "taints", "owned") if plan.before[key] != plan.after[key]]
    return ", ".join(changed)

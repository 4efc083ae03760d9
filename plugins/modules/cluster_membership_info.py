#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what a host is of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_membership_info
short_description: Shows what a host is of a Kubernetes cluster, and what it sees of it
version_added: 0.1.0
description:
  - Looks at kubelet, certificates, static pods, leftovers, the ledger of unfinished work, the
    host's own API server and etcd member, and asks each control plane and the endpoint whether they
    are ready. It changes nothing and answers on a bare host too.
  - While a membership job of an earlier run still works on the host, it waits for its end and shows
    its progress.
  - A member that has just started gets some seconds until its API server is ready.
options:
  node:
    description: This host.
    type: dict
    required: true
    suboptions:
      name: {description: Name of the node., type: str, required: true}
      address: {description: Its address., type: str, required: true}
      role:
        description: What it is for.
        type: str
        required: true
        choices: [control_plane, worker]
      taints: {description: Not used here., type: list, elements: dict, default: []}
  control_planes:
    description: The control planes of the inventory, each with C(name) and C(address).
    type: list
    elements: dict
    required: true
  endpoint:
    description: Name of the cluster's endpoint.
    type: str
    required: true
  endpoint_port:
    description: Its port.
    type: int
    default: 8443
  backend_port:
    description: Port of the API servers.
    type: int
    default: 6443
  settle_seconds:
    description: How long a member that is starting gets until its API server is ready.
    type: int
    default: 60
  offset:
    description: Where to begin in the log of a running job; set by the action plugin.
    type: int
    default: 0
attributes:
  check_mode: {support: full, details: Looks only.}
  diff_mode: {support: none}
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: Look at a member
  biomax.platform.cluster_membership_info:
    node: {name: cp1, address: 192.0.2.21, role: control_plane}
    control_planes: [{name: cp1, address: 192.0.2.21}]
    endpoint: api.example.org
  register: membership
"""

RETURN = r"""
observation:
  description:
    - What was found. C(intent) is unfinished work, C(record) a finished membership, C(leftovers)
      the files that only a cluster leaves, C(ca) the SHA-256 of the cluster's authority, C(node)
      the host's own Node, C(etcd) and C(nodes) what a control plane sees, C(peers) and C(endpoint)
      who answers.
  returned: always
  type: dict
  sample: {name: cp1, intent: null, leftovers: [], endpoint: silent}
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import job, locking
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.observe import (
    Question,
    observe,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import node_spec

FOLLOW_SECONDS = 8.0
SETTLE_POLL_SECONDS = 1.0


def argument_spec() -> dict[str, Any]:
    """Return the arguments."""
    return {
        "node": {"type": "dict", "required": True, "options": node_spec()},
        "control_planes": {"type": "list", "elements": "dict", "required": True},
        "endpoint": {"type": "str", "required": True},
        "endpoint_port": {"type": "int", "default": 8443},
        "backend_port": {"type": "int", "default": 6443},
        "settle_seconds": {"type": "int", "default": 60},
        "offset": {"type": "int", "default": 0},
    }


def run(params: dict[str, Any], layout: Layout) -> dict[str, Any]:
    """Wait for a running job, then look."""
    if locking.is_locked(layout):
        progress = job.follow(layout, params["offset"], FOLLOW_SECONDS)
        if progress.running:
            return {
                "running": True,
                "progress": list(progress.lines),
                "offset": progress.offset,
                "observation": {},
            }
    question = Question(
        name=params["node"]["name"],
        address=params["node"]["address"],
        role=params["node"]["role"],
        peers={entry["name"]: entry["address"] for entry in params["control_planes"]},
        endpoint=params["endpoint"],
        endpoint_port=params["endpoint_port"],
        backend_port=params["backend_port"],
    )
    return {"running": False, "observation": _settled(layout, question, params["settle_seconds"])}


def _settled(layout: Layout, question: Question, seconds: float) -> dict[str, Any]:
    """Look until a member that is starting has settled, or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = observe(layout, question)
        starting = found["record"] and not found["intent"] and not _serves(found)
        if not starting or time.monotonic() >= deadline:
            return found
        time.sleep(SETTLE_POLL_SECONDS)


def _serves(found: dict[str, Any]) -> bool:
    if found["role"] == "control_plane":
        return bool(found["api_ready"])
    return bool(found["node"]["state"] != "unknown")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module.params, Layout())
    except PlatformError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

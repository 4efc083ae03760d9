#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until the cluster can do without this member, or has it back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: member_gate_info
short_description: Waits until the cluster can do without this member, or has it back
version_added: 0.1.0
description:
  - Stands before and after each disruptive change of a member, so that no two members of a quorum
    are disturbed at once.
  - Waits until every API server is ready and this node reports.
  - Before a restart that may take etcd down (containerd or kubelet in O(units)) etcd must be able
    to decide without this host. A voter that is not among O(api_servers) is not waited for; the
    module refuses at once.
  - Runs on the member and asks with its kubelet's credentials, and etcd with the certificate that
    kubeadm makes for health checks; it changes nothing.
  - On a host that is not a member it succeeds at once.
options:
  node:
    description: Name of this host's node.
    type: str
    required: true
  api_servers:
    description: The control-plane members, each with C(name) and C(address).
    type: list
    elements: dict
    required: true
  port:
    description: Port of the API servers.
    type: int
    default: 6443
  units:
    description:
      - Units that are to be restarted, as M(biomax.platform.host_state) names them.
    type: list
    elements: str
    default: []
  timeout_seconds:
    description: How long to wait.
    type: int
    default: 180
attributes:
  check_mode:
    support: full
    details: Waits for one report of kubelet at most, 15 seconds.
  diff_mode:
    support: none
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: Wait until the cluster can do without this member
  biomax.platform.member_gate_info:
    node: "{{ inventory_hostname }}"
    api_servers: "{{ kube_control_plane_members }}"
    units: [containerd.service]
"""

RETURN = r"""
member:
  description: Whether this host belongs to a cluster.
  returned: always
  type: bool
  sample: true
waited_seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 7.2
evidence:
  description: What the host showed when the module failed; the callback C(explain) reads it.
  type: dict
  returned: on failure
  sample: {clock: 1790000000.0, file_systems: [{path: /, free_mib: 0, total_mib: 64}]}
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership.gate import (
    HostCluster,
    Waiting,
    is_member,
    wait_open,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout


def argument_spec() -> dict[str, dict[str, Any]]:
    """Return the module's arguments."""
    return {
        "node": {"type": "str", "required": True},
        "api_servers": {"type": "list", "elements": "dict", "required": True},
        "port": {"type": "int", "default": 6443},
        "units": {"type": "list", "elements": "str", "default": []},
        "timeout_seconds": {"type": "int", "default": 180},
    }


def run(params: dict[str, Any], layout: Layout, check_mode: bool) -> dict[str, Any]:
    """Wait at the gate.

    Raises:
        NotReadyError: It stayed closed.
        UnsafeError: etcd would lose its quorum.
    """
    if not is_member(layout):
        return {"changed": False, "member": False, "waited_seconds": 0.0}
    patience = 15 if check_mode else params["timeout_seconds"]
    waited = wait_open(
        HostCluster(layout, params["port"]),
        params["node"],
        params["api_servers"],
        Waiting(patience, time.time, time.monotonic, time.sleep),
        params["units"],
    )
    return {"changed": False, "member": True, "waited_seconds": waited}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module.params, Layout(), module.check_mode)
    except PlatformError as error:
        # Only a failure pays for loading it.
        from ansible_collections.biomax.platform.plugins.module_utils.explain.evidence import (
            evidence_of,
        )

        module.fail_json(msg=str(error), evidence=evidence_of(str(error)))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.look import (
    look,
    question_spec,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={**question_spec(), "offset": {"type": "int", "default": 0}},
        supports_check_mode=True,
    )
    try:
        result = look(module.params, Layout())
    except PlatformError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

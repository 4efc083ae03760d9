#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin node_pools."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_pools
short_description: Gives nodes the labels and taints of their pools
version_added: 0.1.0
description:
  - What was put on a node is recorded in its annotation C(platform.biomax.ai/owned), so a label or
    taint that leaves the inventory leaves the node. Labels and taints of others are not touched.
  - Runs on the controller with one list request when nothing differs.
attributes:
  check_mode:
    description: Lists the nodes and plans.
    support: full
  diff_mode:
    description: Shows labels and taints before and after.
    support: full
options:
  pools:
    description: For each pool its C(labels), C(taints), C(min) and C(max).
    type: dict
    required: true
  members:
    description: Nodes of the inventory, each with C(name) and C(pool) (empty for none).
    type: list
    elements: dict
    required: true
  kubeconfig:
    description: File on the controller with the cluster's address and a client certificate.
    type: path
    required: true
  sizing:
    description: With V(lab) a pool may have fewer nodes than its minimum.
    type: str
    choices: [lab, mvp, scale]
    default: mvp
  absent:
    description: Hosts that are known to be dead; while there are some, a pool may be too small.
    type: list
    elements: str
    default: []
  plan_file:
    description:
      - Plan file made by C(playbooks/plan.yml). Nothing is changed unless the steps that are needed
        are those of the file, planned from what is found now.
      - Empty binds the call to nothing.
    type: path
    default: ""
author: biomax.platform authors
"""

EXAMPLES = r"""
- name: Label and taint the nodes
  biomax.platform.node_pools:
    pools:
      database:
        labels: {workload: database}
        taints:
          - {key: dedicated, value: database, effect: NoSchedule}
        min: 1
        max: 3
    members:
      - {name: db1, pool: database}
    kubeconfig: "{{ site_state_dir }}/kubeconfig"
"""

RETURN = r"""
plan:
  description: Nodes that were changed, or would be in check mode.
  returned: always
  type: list
  elements: dict
  sample:
    - {role: node_pools, kind: Node, name: db1, action: update, detail: "labels, taints, owned"}
requests:
  description: API requests by verb.
  returned: always
  type: dict
  sample: {get: 1, total: 1}
"""

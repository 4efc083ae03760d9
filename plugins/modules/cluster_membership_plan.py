#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does all of it on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_membership_plan
short_description: Plans which host starts a cluster, joins it, or stays as it is
version_added: 0.1.0
description:
  - Takes what was found on the hosts of this run and decides for each of them between C(init),
    C(join), C(finish) and C(nothing). It touches no host.
  - The observations are registered by M(biomax.platform.cluster_membership_info) as
    C(cluster_membership_seen), or by M(biomax.platform.host_state) as C(site_host_layer).
  - A cluster is started only when every control plane of the inventory was seen blank.
  - Fails when any host is refused, with the evidence of every refusal, before anything is touched.
  - Runs once, on the controller.
options:
  settings:
    description:
      - Declaration of the cluster; the role C(cluster_membership) makes it from the site's
        variables.
      - Control planes that were formed with another one are named in a warning, C(reconfigure).
    type: dict
    required: true
  members:
    description: All members, without absent ones, each with C(name), C(address) and C(pool).
    type: list
    elements: dict
    required: true
  absent_control_planes:
    description: Names of control planes that are known to be dead.
    type: list
    elements: str
    default: []
  pools:
    description: Worker pools, for the taints that workers register with.
    type: dict
    default: {}
  state_dir:
    description: Directory on the controller with the kubeconfig and the sealed copies of keys.
    type: path
    required: true
  plan_file:
    description:
      - Plan file made by C(playbooks/plan.yml). Nothing is changed unless the steps that are needed
        are those of the file, planned from what is found now.
      - Empty binds the call to nothing.
    type: path
    default: ""
attributes:
  check_mode: {support: full, details: Plans only.}
  diff_mode: {support: none}
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: Plan
  biomax.platform.cluster_membership_plan:
    settings: "{{ cluster_membership_settings }}"
    members: "{{ kube_members }}"
    state_dir: "{{ site_state_dir }}"
  run_once: true
  register: cluster_membership_orders
"""

RETURN = r"""
hosts:
  description: For each host C(action), C(reasons), C(reset), C(half_done) and C(node).
  returned: success
  type: dict
  sample: {cp1: {action: init, reasons: [every control plane is blank], reset: false}}
leader:
  description: The control plane that acts for the cluster, as a node; empty when none does.
  returned: success
  type: dict
  sample: {name: cp1, address: 192.0.2.21, role: control_plane, taints: []}
joining_workers:
  description: Workers that join.
  returned: success
  type: list
  elements: dict
  sample: []
steps:
  description: The plan as steps that can be approved and compared, in the order of the run.
  returned: success
  type: list
  elements: dict
  sample:
    - {role: cluster_membership, kind: member, name: cp1, action: init,
       detail: every control plane is blank}
complete_on:
  description: Host on which the closing play runs; empty when there is nothing to close.
  returned: success
  type: str
  sample: cp1
"""

#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin cluster_status_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_status_info
short_description: Shows the state of a cluster on one page
version_added: 0.1.0
description:
  - Reads nodes, the static pods of the control plane with etcd, the platform's workloads, the API's
    own checks and how long certificates live, through the endpoint, and prints one page.
attributes:
  check_mode:
    description: It changes nothing.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
options:
  kubeconfig:
    description: File on the controller with the cluster's address and a client certificate.
    type: path
    required: true
author: biomax.platform authors
"""

EXAMPLES = r"""
- name: Show the cluster
  biomax.platform.cluster_status_info:
    kubeconfig: "{{ site_state_dir }}/kubeconfig"
"""

RETURN = r"""
version:
  description: Version of the API server that answered.
  returned: always
  type: str
  sample: v1.36.3
nodes:
  description: Nodes with readiness, version, address and taints.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: cp1, ready: true, schedulable: true, version: v1.36.3, address: 192.0.2.21, taints: []}
control_plane:
  description: Static pods of the control plane, etcd among them.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: Pod kube-system/etcd-cp1, ready: true, reason: ""}
workloads:
  description: The platform's own workloads.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: Deployment kube-system/coredns, ready: true, reason: ""}
api:
  description: Failing checks of the API server.
  returned: always
  type: list
  elements: str
  sample: []
certificate_days:
  description: Days left of certificates, by what they are for.
  returned: always
  type: dict
  sample: {this kubeconfig: 0.9, the API: 364.2}
"""

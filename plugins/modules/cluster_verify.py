#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin cluster_verify."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_verify
short_description: Proves from outside that a cluster works
version_added: 0.1.0
description:
  - Reads through the endpoint whether the nodes of the inventory are Ready, the API can read logs
    from every kubelet, serving certificates are approved, and what the probe on each node says of
    DNS, pods, a service and a flow that must be refused.
  - Asks again until everything is as promised; fails at the deadline with what is missing.
attributes:
  check_mode:
    description: Looks once and reports; it never fails for what is missing.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
options:
  members:
    description: Nodes of the inventory, each with C(name).
    type: list
    elements: dict
    required: true
  kubeconfig:
    description: File on the controller with the cluster's address and a client certificate.
    type: path
    required: true
  deadline_seconds:
    description:
      - How long to go on asking. Of a node that has just died the cluster knows after 50 s
        (C(--node-monitor-grace-period) of kube-controller-manager); until then services lead to it.
    type: int
    default: 150
  absent:
    description: Nodes that are known to be dead; they may still be listed.
    type: list
    elements: str
    default: []
  report:
    description: File on the controller that receives the report as JSON; empty for none.
    type: path
    default: ""
author: biomax.platform authors
"""

EXAMPLES = r"""
- name: Verify the cluster
  biomax.platform.cluster_verify:
    members: "{{ kube_members }}"
    kubeconfig: "{{ site_state_dir }}/kubeconfig"
    report: "{{ site_state_dir }}/report.json"
"""

RETURN = r"""
ok:
  description: Whether every check passed.
  returned: success
  type: bool
  sample: true
checks:
  description: Each check with the number of things that were as promised and what is missing.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: nodes of the inventory are Ready, ok: true, passed: 6, missing: []}
text:
  description: The checks as lines for people.
  returned: success
  type: list
  elements: str
  sample: ["ok      nodes of the inventory are Ready (6)"]
report_file:
  description: Where the report is.
  returned: when one was written
  type: str
  sample: /srv/site/report.json
requests:
  description: API requests by verb.
  returned: success
  type: dict
  sample: {get: 16, total: 16}
"""

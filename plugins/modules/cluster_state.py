#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin cluster_state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_state
short_description: Brings a cluster to the objects that roles declare
version_added: 0.1.0
description:
  - Takes an ordered list of components in one call. A component is a role; the objects in its
    C(objects/*.yml.j2) are rendered on the controller with the role's defaults.
  - A template C(objects/NAME.manifest.yml.j2) selects a manifest of the bundle, leaves objects of
    it out and merges partial objects into others.
  - Lists the live objects, compares them at the fields that the manager C(biomax.platform) owns and
    asks the server (dry run) only about those that differ. A run that changes nothing costs one
    request for each kind.
  - Applies server-side, component by component; the next one starts when the objects of the one
    before are ready. Objects that left the set are deleted, but never namespaces, definitions,
    volumes and claims.
  - With C(--tags), a component's name is a tag.
attributes:
  check_mode:
    description: Plans with the server's dry run and applies nothing.
    support: full
  diff_mode:
    description: Shows each object as it is and as the server says it will be.
    support: full
options:
  components:
    description: Names of roles, in the order in which they are applied.
    type: list
    elements: str
    required: true
  kubeconfig:
    description: File on the controller with the cluster's address and a client certificate.
    type: path
    required: true
  whole_platform:
    description:
      - The list holds every component of the cluster, so objects of components that are not in it
        have left the set.
    type: bool
    default: false
  take_over:
    description:
      - Field managers whose fields are taken when they conflict with a declaration.
      - What a person set with kubectl is always taken back, so it need not be named.
    type: list
    elements: str
    default: []
  ready_seconds:
    description: How long one component may take to become ready; V(0) applies without waiting.
    type: int
    default: 180
  absent:
    description: Nodes that are known to be dead; nobody waits for pods there.
    type: list
    elements: str
    default: []
  bundle_dir:
    description:
      - The bundle on the controller, from which roles take manifests. The signature of its index
        and the sum of each manifest are verified. Needed only by roles that take one.
    type: path
    default: ""
  bundle_public_key:
    description: Public key that signed the bundle's index.
    type: str
    default: ""
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
- name: Converge the cluster's components
  biomax.platform.cluster_state:
    components: [network, cluster_dns]
    kubeconfig: "{{ site_state_dir }}/kubeconfig"

- name: Converge everything and remove what left the set
  biomax.platform.cluster_state:
    components: [foundation, pod_flows, network, cluster_dns, load_balancer, network_probe]
    kubeconfig: "{{ site_state_dir }}/kubeconfig"
    bundle_dir: "{{ bundle_dir }}"
    bundle_public_key: "{{ bundle_public_key }}"
    whole_platform: true
"""

RETURN = r"""
plan:
  description: What was changed, or would be in check mode.
  returned: always
  type: list
  elements: dict
  sample:
    - role: cluster_dns
      kind: Deployment
      name: kube-system/coredns
      action: update
      detail: spec.replicas (1, wanted 2)
applied:
  description: What had been changed when the run ended in the middle.
  returned: on failure after the plan was made
  type: list
  elements: dict
  sample:
    - {role: network, kind: DaemonSet, name: kube-system/routed-network, action: update, detail: ""}
components:
  description: Number of objects and changes of each component, and what is not ready.
  returned: always
  type: list
  elements: dict
  sample:
    - {name: cluster_dns, objects: 8, changes: 1, not_ready: []}
kept:
  description: Objects that left the set and stay, since they may hold data; a warning tells each.
  returned: always
  type: list
  elements: str
requests:
  description: API requests by verb.
  returned: always
  type: dict
  sample: {get: 16, total: 16}
seconds:
  description: Time spent, without rendering.
  returned: always
  type: float
  sample: 0.21
"""

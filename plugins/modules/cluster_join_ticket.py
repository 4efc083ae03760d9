#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands out the credentials of a join, and takes them back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_join_ticket
short_description: Proves that a cluster is healthy and hands out the credentials of a join
version_added: 0.1.0
description:
  - Runs on a live control plane. Before it hands out anything it removes what an unfinished join of
    the same host left in the cluster (an etcd learner, an etcd member or a node that the host's own
    ledger proves to be half done) and waits until the cluster is healthy.
  - A voting etcd member is removed only when every other voter is healthy.
  - For a control plane every etcd member, API server and control-plane node and the endpoint must
    be healthy; for workers the endpoint and this control plane.
  - Credentials live for ten minutes. O(state=absent) deletes them at once.
options:
  state:
    description: V(present) makes credentials, V(absent) deletes all that joins left and waits until
      the cluster is healthy.
    type: str
    default: present
    choices: [present, absent]
  node:
    description: The control plane that the module runs on.
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
  settings:
    description: Declaration of the cluster; the role C(cluster_membership) makes it from the site's
      variables.
    type: dict
    required: true
  joining:
    description: The hosts that will join; one control plane, or any number of workers.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Name of the node., type: str, required: true}
      address: {description: Its address., type: str, required: true}
      role:
        description: What it is for.
        type: str
        required: true
        choices: [control_plane, worker]
      taints: {description: Not used here., type: list, elements: dict, default: []}
      half_done:
        description: Whether the host's ledger holds an unfinished join of ours.
        type: bool
        default: false
  expected_nodes:
    description: With O(state=absent), nodes that must have arrived.
    type: list
    elements: str
    default: []
  whole:
    description:
      - With O(state=absent), also wait for every etcd member, API server and control-plane node, as
        after a change of the control plane. A control plane that is down does not stop the others.
    type: bool
    default: true
  timeout_seconds:
    description: How long the cluster gets to be healthy.
    type: int
    default: 180
attributes:
  check_mode: {support: full, details: Makes no credentials.}
  diff_mode: {support: none}
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: Credentials for a worker
  biomax.platform.cluster_join_ticket:
    node: {name: cp1, address: 192.0.2.21, role: control_plane}
    settings: "{{ cluster_membership_settings }}"
    joining: [{name: app1, address: 192.0.2.31, role: worker}]
  no_log: true
  register: ticket
"""

RETURN = r"""
ticket:
  description: Credentials for O(ticket) of M(biomax.platform.cluster_membership). Secret; register
    it with C(no_log).
  returned: with state present
  type: dict
removed:
  description: What was removed from the cluster.
  returned: always
  type: list
  elements: str
  sample: [etcd member cp2, node cp2]
evidence:
  description: What the host showed when the module failed; the callback C(explain) reads it.
  type: dict
  returned: on failure
  sample: {clock: 1790000000.0, file_systems: [{path: /, free_mib: 0, total_mib: 64}]}
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import tokens
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import (
    Settings,
    node_from_arguments,
    node_spec,
    settings_spec,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.ticket import (
    Leader,
    gate,
    issue,
    remove_traces,
)


def argument_spec() -> dict[str, Any]:
    """Return the arguments."""
    joining = {**node_spec(), "half_done": {"type": "bool", "default": False}}
    return {
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "node": {"type": "dict", "required": True, "options": node_spec()},
        "settings": settings_spec(),
        "joining": {"type": "list", "elements": "dict", "default": [], "options": joining},
        "expected_nodes": {"type": "list", "elements": "str", "default": []},
        "whole": {"type": "bool", "default": True},
        "timeout_seconds": {"type": "int", "default": 180},
    }


def run(params: dict[str, Any], leader: Leader) -> dict[str, Any]:
    """Hand out or take back.

    Raises:
        PlatformError: The cluster is not healthy, or a step was refused.
    """
    leader.check()
    seconds = float(params["timeout_seconds"])
    if params["state"] == "absent":
        removed = tokens.revoke(leader.api())
        gate(lambda: leader.missing(params["expected_nodes"], whole=params["whole"]), seconds)
        return {"changed": bool(removed), "removed": removed}
    removed = []
    for entry in params["joining"]:
        node = node_from_arguments(entry)
        removed += remove_traces(leader, node, half_done=entry["half_done"])
    joining = [node_from_arguments(entry) for entry in params["joining"]]
    whole = any(node.is_control_plane for node in joining)
    gate(lambda: leader.missing(whole=whole), seconds)
    ticket = asdict(issue(leader, joining))
    return {"changed": True, "removed": removed, "ticket": ticket}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=True, removed=[], ticket={})
    params = module.params
    leader = Leader(
        Layout(), Settings.from_arguments(params["settings"]), node_from_arguments(params["node"])
    )
    try:
        result = run(params, leader)
    except PlatformError as error:
        # Only a failure pays for loading it.
        from ansible_collections.biomax.platform.plugins.module_utils.explain.evidence import (
            evidence_of,
        )

        module.fail_json(msg=str(error), evidence=evidence_of(str(error)))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

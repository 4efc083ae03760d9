#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a host a member of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_membership
short_description: Makes a host the first or a further member of a Kubernetes cluster
version_added: 0.1.0
description:
  - Runs kubeadm as a job that does not depend on the connection. The intent is on the host's disk
    before kubeadm starts and leaves it when the host is a member, so that the next run can tell its
    own half-done work from anything else.
  - One job per host at a time; a second call waits for the first.
  - Touches a host only when it is blank. Half-done work is removed with O(reset=true), and only
    when the host's ledger proves that it is ours, and when no other etcd member or node relies on
    it.
options:
  state:
    description:
      - V(initialized) starts a cluster. V(joined) joins one with O(ticket). V(finished) closes the
        books on a join that is complete in the cluster.
    type: str
    required: true
    choices: [initialized, joined, finished]
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
      taints:
        description: Taints that a worker registers with.
        type: list
        elements: dict
        default: []
  settings:
    description: Declaration of the cluster; the role C(cluster_membership) makes it from the site's
      variables.
    type: dict
    required: true
  reset:
    description: Remove our own half-done work first.
    type: bool
    default: false
  escrow_recipient:
    description: age recipient to which the encryption key is sealed. Needed by V(initialized).
    type: str
  ticket:
    description: Result C(ticket) of M(biomax.platform.cluster_join_ticket). Needed by V(joined).
    type: dict
  ca:
    description: SHA-256 of the cluster's authority. Needed by V(finished).
    type: str
    default: ""
  follow:
    description: Wait for the job that runs; begin nothing. Set by the action plugin.
    type: bool
    default: false
  offset:
    description: Where to begin in the job's log; set by the action plugin.
    type: int
    default: 0
attributes:
  check_mode: {support: full, details: Says that the host would become a member.}
  diff_mode: {support: none}
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: Start the cluster
  biomax.platform.cluster_membership:
    state: initialized
    node: {name: cp1, address: 192.0.2.21, role: control_plane}
    settings: "{{ cluster_membership_settings }}"
    escrow_recipient: "{{ escrow_recipient }}"
"""

RETURN = r"""
member:
  description: The record of the membership, as it stands on the host.
  returned: when the job has ended
  type: dict
  sample: {action: join, role: worker, node: app1, finished: "2026-01-01T00:00:00Z"}
evidence:
  description: What the host showed when the module failed; the callback C(explain) reads it.
  type: dict
  returned: on failure
  sample: {clock: 1790000000.0, file_systems: [{path: /, free_mib: 0, total_mib: 64}]}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    job,
    ledger,
    locking,
    steps,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import (
    Settings,
    node_from_arguments,
    node_spec,
    settings_spec,
)

FOLLOW_SECONDS = 4.0


def argument_spec() -> dict[str, Any]:
    """Return the arguments."""
    return {
        "state": {
            "type": "str",
            "required": True,
            "choices": ["initialized", "joined", "finished"],
        },
        "node": {"type": "dict", "required": True, "options": node_spec()},
        "settings": settings_spec(),
        "reset": {"type": "bool", "default": False},
        "escrow_recipient": {"type": "str"},
        "ticket": {"type": "dict", "no_log": True},
        "ca": {"type": "str", "default": ""},
        "follow": {"type": "bool", "default": False},
        "offset": {"type": "int", "default": 0},
    }


def run(params: dict[str, Any], layout: Layout) -> dict[str, Any]:
    """Begin a job or follow the one that runs.

    Raises:
        PlatformError: The job could not begin, or ended without success.
    """
    node = node_from_arguments(params["node"])
    task = steps.Task(
        layout, Settings.from_arguments(params["settings"]), node, reset=params["reset"]
    )
    changed = False
    if params["state"] == "finished":
        steps.finish(task, params["ca"])
        changed = True
    elif not params["follow"] and not locking.is_locked(layout):
        changed = _begin(task, params)
    progress = job.follow(layout, params["offset"], FOLLOW_SECONDS)
    result: dict[str, Any] = {
        "changed": changed,
        "running": progress.running,
        "progress": list(progress.lines),
        "offset": progress.offset,
    }
    if progress.running:
        return result
    if progress.failed:
        raise PlatformError(
            f"{node.name} did not become a member: {progress.failed} The next run removes this"
            " half-done work and begins anew."
        )
    return {**result, "member": ledger.read_record(layout)}


def _begin(task: steps.Task, params: dict[str, Any]) -> bool:
    """Prepare and start the job; say whether it is ours."""
    if params["state"] == "initialized":
        recipient = params["escrow_recipient"]
        if not recipient:
            raise InputError("state initialized needs escrow_recipient.")
        intent, parts = steps.prepare_init(task, recipient)
    else:
        if not params["ticket"]:
            raise InputError("state joined needs ticket.")
        intent, parts = steps.prepare_join(task, steps.Ticket(**params["ticket"]))
    return job.start(task.layout, intent, parts)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=True, running=False, progress=[])
    try:
        result = run(module.params, Layout())
    except PlatformError as error:
        # Only a failure pays for loading it.
        from ansible_collections.biomax.platform.plugins.module_utils.explain.evidence import (
            evidence_of,
        )

        module.fail_json(msg=str(error), evidence=evidence_of(str(error)))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

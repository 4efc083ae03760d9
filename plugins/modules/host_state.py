# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a host to the state that its roles declare, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_state
short_description: Bring a host to the state that its roles declare, in one call
version_added: 0.1.0
description:
  - Takes the declarations in C(resources/main.yml) of every host role of a host, looks at the
    host, makes a plan, applies exactly that plan and reports it.
  - A run that is cut anywhere is finished by the next one; no restart is lost.
  - The kinds of declarations and their keys are described in C(docs/guide/host_state.md).
options:
  roles:
    description:
      - Roles in order, by name.
      - With C(--tags) and C(--skip-tags), role names choose among them.
    type: list
    elements: str
    required: true
  disruptive:
    description:
      - C(defer) changes nothing on a O(member=true) when the plan touches a unit that is marked
        disruptive.
    type: str
    choices: [apply, defer]
    default: apply
  member:
    description:
      - Whether the host belongs to a running cluster.
      - Without it the host itself tells, by C(/etc/kubernetes/kubelet.conf).
    type: bool
  mirrors:
    description: Where the bundle is, in order of preference; needed by artifacts.
    type: list
    elements: dict
    default: []
  mirror_ca_certificate:
    description: PEM text of the mirrors' CA; default is what the host has.
    type: str
    default: ""
  bundle_public_key:
    description: Public key that signs the index of the bundle; needed by artifacts.
    type: str
    default: ""
  lock_seconds:
    description: How long to wait for another call on this host.
    type: int
    default: 60
  plan_file:
    description:
      - Plan file made by C(playbooks/plan.yml). Nothing is changed unless the steps that are needed
        are those of the file, planned from what is found now.
      - Empty binds the call to nothing.
    type: path
    default: ""
  membership:
    description:
      - Arguments of M(biomax.platform.cluster_membership_info). With them a member on which nothing
        had to change, and in check mode any host, also returns its RV(observation), so that the
        next phase of the site needs no call of its own.
    type: dict
  resources:
    description: Checked and rendered declarations; the action plugin fills this in.
    type: list
    elements: dict
  approved:
    description:
      - Steps of a plan file that this call must keep to; the action plugin fills this in from
        O(plan_file).
    type: dict
  holder:
    description: Who runs this, for the lock; the action plugin fills this in.
    type: dict
attributes:
  check_mode:
    support: full
    description: Stops after the plan.
  diff_mode:
    support: full
    description: Shows content of files; of sensitive ones only the sum.
author: biomax.platform authors
"""

EXAMPLES = r"""
- name: Converge the host layer
  biomax.platform.host_state:
    roles: [base_os, containerd, kubernetes_node]
    mirrors: "{{ mirrors }}"
    mirror_ca_certificate: "{{ mirror_ca_certificate }}"
    bundle_public_key: "{{ bundle_public_key }}"
  tags: [always]

- name: Plan only what may restart a service of a running cluster
  biomax.platform.host_state:
    roles: [containerd]
    member: true
    disruptive: defer
"""

RETURN = r"""
plan:
  description: Steps in the order in which they are applied.
  type: list
  elements: dict
  returned: always
  sample:
    - {role: containerd, kind: unit, name: containerd.service, action: restart,
       detail: file /etc/containerd/config.toml, restarts: [], changes: true, derived: false,
       declared: "", observed: {exists: true, running: true, enabled: true, masked: false}}
applied:
  description: Steps that were carried out; equal to the plan after a success.
  type: list
  elements: dict
  returned: always
resources:
  description: Each declaration and whether the plan has a step for it.
  type: list
  elements: dict
  returned: always
  sample: [{role: containerd, kind: packages, name: runc, status: ok}]
deferred:
  description: Whether the plan was not applied because it is disruptive.
  type: bool
  returned: always
disruptive:
  description: Disruptive units that the plan touches.
  type: list
  elements: str
  returned: always
bytes_hashed:
  description: Bytes that had to be hashed because files changed since the last call.
  type: int
  returned: always
observation:
  description:
    - What M(biomax.platform.cluster_membership_info) returns under this name, of a host at rest.
    - Empty when O(membership) is not given, while a job runs on the host, and of a member that does
      not serve. Outside check mode also when a step was needed, and on a host that is no member.
  type: dict
  returned: always
  sample: {name: cp1, intent: null, leftovers: [], endpoint: silent}
evidence:
  description: What the host showed when the module failed; the callback C(explain) reads it.
  type: dict
  returned: on failure
  sample: {clock: 1790000000.0, file_systems: [{path: /, free_mib: 0, total_mib: 64}]}
"""

from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Approval
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.host import lock
from ansible_collections.biomax.platform.plugins.module_utils.host.engine import (
    Mode,
    Outcome,
    converge,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.module_utils.host.mirror import parse_mirrors
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Context, Resource
from ansible_collections.biomax.platform.plugins.module_utils.host.report import result_of
from ansible_collections.biomax.platform.plugins.module_utils.host.source import BundleSource
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.look import (
    look_at_rest,
    question_spec,
)


class QuietModule(AnsibleModule):  # type: ignore[misc] # ansible-core ships no type information
    """A module that does not copy its arguments, which hold whole files, into the journal."""

    def _log_invocation(self) -> None:
        self.log(f"Invoked for roles {', '.join(self.params['roles'])}")

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        # Without this the result repeats every argument, and -vvv prints sensitive files.
        kwargs["invocation"] = {"module_args": {"roles": self.params["roles"]}}
        super()._return_formatted(kwargs)


def argument_spec() -> dict[str, dict[str, Any]]:
    """Return the module's arguments."""
    return {
        "roles": {"type": "list", "elements": "str", "required": True},
        "disruptive": {"type": "str", "choices": ["apply", "defer"], "default": "apply"},
        "member": {"type": "bool"},
        "mirrors": {"type": "list", "elements": "dict", "default": []},
        "mirror_ca_certificate": {"type": "str", "default": ""},
        "bundle_public_key": {"type": "str", "default": "", "no_log": False},
        "lock_seconds": {"type": "int", "default": 60},
        "plan_file": {"type": "path", "default": ""},
        "membership": {"type": "dict", "options": question_spec()},
        "resources": {"type": "list", "elements": "dict"},
        "approved": {"type": "dict"},
        "holder": {"type": "dict"},
    }


def run(
    params: dict[str, Any], host: Host, outcome: Outcome, *, check: bool, diff: bool
) -> dict[str, Any]:
    """Converge `host` and return the module's result; `outcome` is filled on the way."""
    resources = [Resource(position=n, **row) for n, row in enumerate(params["resources"] or [])]
    source = BundleSource(
        host,
        parse_mirrors(params["mirrors"]),
        params["bundle_public_key"],
        params["mirror_ca_certificate"],
    )
    context = Context(host, Hashes(host.state("hashes.json")), source)
    member = params["member"]
    if member is None:  # kubeadm writes this file when a host joins and removes it at reset
        member = host.at("/etc/kubernetes/kubelet.conf").exists()
    with lock.held(host, params["holder"] or {}, float(params["lock_seconds"]), write=not check):
        mode = Mode(
            check=check,
            defer=params["disruptive"] == "defer" and member,
            approval=Approval.from_arguments(params["approved"]),
        )
        converge(context, resources, outcome, mode)
    # What is only planned moves nothing, so a look now is as good as one later.
    unmoved = check or (member and not outcome.plan.steps)
    asked = params["membership"] if unmoved else None
    found = look_at_rest(asked, Layout(host.root)) if asked else {}
    return {
        **result_of(outcome, resources, context, check=check, diff=diff),
        "observation": found,
    }


def _addresses(mirrors: list[dict[str, Any]]) -> dict[str, str]:
    """Return the addresses of the mirrors by the names in their URLs."""
    rows = [(urlsplit(str(row.get("url", ""))).hostname, row.get("address")) for row in mirrors]
    return {name: str(address) for name, address in rows if name and address}


def main() -> None:
    """Run the module."""
    module = QuietModule(argument_spec=argument_spec(), supports_check_mode=True)
    if module.params["resources"] is None:
        module.fail_json(msg="host_state works through its action plugin: call it from a playbook.")
    outcome = Outcome()
    try:
        result = run(
            module.params, Host(), outcome, check=module.check_mode, diff=bool(module._diff)
        )
    except PlatformError as error:
        # Only a failure pays for loading it.
        from ansible_collections.biomax.platform.plugins.module_utils.explain.evidence import (
            Place,
            evidence_of,
        )

        applied = [step.report() for step in outcome.applied]
        module.fail_json(
            msg=str(error),
            changed=any(step["changes"] for step in applied),
            plan=[step.report() for step in outcome.plan.steps],
            applied=applied,
            evidence=evidence_of(str(error), Place(addresses=_addresses(module.params["mirrors"]))),
        )
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a short-lived kubeconfig for the controller and fetches the sealed copies of keys."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_access
short_description: Gives the controller a short-lived kubeconfig and the sealed copies of keys
version_added: 0.1.0
description:
  - Runs C(kubeadm kubeconfig user) on a live control plane. The certificate is good for a day, for
    the group C(kubeadm:cluster-admins). C(admin.conf) never leaves its host.
  - The action plugin writes the kubeconfig to C(kubeconfig) below O(state_dir), with the endpoint's
    address as server and its name checked, and the sealed copies to C(escrow) below it.
options:
  user:
    description: Name of the user in the certificate, as it will stand in audit logs.
    type: str
    default: platform-controller
  settings:
    description: Declaration of the cluster, from the role C(cluster_membership).
    type: dict
    required: true
  state_dir:
    description: Directory on the controller that holds the site's state.
    type: path
    required: true
attributes:
  check_mode: {support: full, details: Makes nothing.}
  diff_mode: {support: none}
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: Give the controller access
  biomax.platform.cluster_access:
    settings: "{{ cluster_membership_settings }}"
    state_dir: "{{ site_state_dir }}"
"""

RETURN = r"""
path:
  description: The kubeconfig on the controller.
  returned: always
  type: str
  sample: .lab/kubeconfig
escrow:
  description: Names of the sealed copies on the controller.
  returned: always
  type: list
  elements: str
  sample: [etcd-encryption-0123456789ab.age]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    access,
    durable,
    escrow,
    kubeadm,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.command import run
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import (
    Settings,
    settings_spec,
)


def argument_spec() -> dict[str, Any]:
    """Return the arguments."""
    return {
        "user": {"type": "str", "default": "platform-controller"},
        "settings": settings_spec(),
        "state_dir": {"type": "path", "required": True},
    }


def make(params: dict[str, Any], layout: Layout) -> dict[str, Any]:
    """Make the kubeconfig and read the sealed copies.

    Raises:
        PlatformError: kubeadm refuses.
    """
    settings = Settings.from_arguments(params["settings"])
    path = layout.runtime / "user.yaml"
    durable.write_file(path, kubeadm.to_text([kubeadm.cluster_configuration(settings)]).encode())
    arguments = ["kubeadm", "kubeconfig", "user", "--config", str(path)]
    arguments += ["--client-name", params["user"], "--org", "kubeadm:cluster-admins"]
    arguments += ["--validity-period", f"{access.VALID_HOURS}h"]
    try:
        text = run(arguments)
    finally:
        durable.remove_file(path)
    kubeconfig = access.through_address(
        text, settings.endpoint_address, settings.endpoint_port, settings.endpoint
    )
    return {"kubeconfig": kubeconfig, "sealed": escrow.read_sealed(layout)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=True, kubeconfig="", sealed={})
    try:
        result = make(module.params, Layout())
    except PlatformError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, **result)


if __name__ == "__main__":
    main()

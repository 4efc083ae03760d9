#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects what preflight judges; see module_utils/preflight/collect.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_host_info
short_description: Collect what preflight needs to know of a host
version_added: 0.1.0
author: biomax.platform authors (@biomax)
description:
  - Looks at operating system, memory, addresses, listening ports, free space, installed packages
    and traces of a cluster.
  - Reads files of the kernel and the system only; changes nothing and runs no program.
  - M(biomax.platform.preflight) judges what it returns.
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: There is nothing to compare.
options:
  paths:
    description: Directories whose file systems are looked at; they need not exist.
    type: list
    elements: path
    default:
      - /
      - /usr/local/bin
      - /var/lib/biomax-platform
      - /var/lib/containerd
      - /var/lib/kubelet
      - /var/lib/etcd
      - /srv/biomax-platform
"""

EXAMPLES = r"""
- name: Collect what the checks need
  biomax.platform.preflight_host_info:
  register: preflight_host
"""

RETURN = r"""
host:
  description: What the host says about itself; sizes in MiB.
  returned: success
  type: dict
  sample:
    os: {id: debian, version: "12"}
    python: 3.11.2
    memory_mib: 7950
    addresses: [192.0.2.21]
    interfaces: [eth0, lo]
    networks: [{interface: eth0, network: 192.0.2.0/24}]
    listeners: [{protocol: tcp, port: 22, program: sshd}]
    disks: [{path: /, mount: /, device: 2049, free_mib: 15000, free_inodes: -1, read_only: false}]
    managed: false
    cluster_ca: ""
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect import collect

PATHS = [
    "/",
    "/usr/local/bin",
    "/var/lib/biomax-platform",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/srv/biomax-platform",
]


def main() -> None:
    """Collect and return."""
    module = AnsibleModule(
        argument_spec={"paths": {"type": "list", "elements": "path", "default": PATHS}},
        supports_check_mode=True,
    )
    try:
        host = collect(module.params["paths"])
    except OSError as error:
        module.fail_json(
            msg=f"Looking at this host failed at {error.filename}: {error.strerror}."
            " Check the disk and the mounts of the host."
        )
    module.exit_json(changed=False, host=host)


if __name__ == "__main__":
    main()

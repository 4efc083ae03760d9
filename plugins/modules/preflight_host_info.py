#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects what preflight judges; see module_utils/preflight/collect.py.

The action plugin of the same name adds the site's questions and the controller's clock.
"""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_host_info
short_description: Collect what preflight needs to know of a host
version_added: 0.1.0
author: biomax.platform authors (@biomax)
description:
  - Looks at operating system, kernel, processors, memory, addresses, listening ports, free space,
    packages and traces of a cluster; runs no program and changes nothing.
  - Asks the site's time servers and the host's name servers, and sends a few packets to two
    neighbours and the mirror. No question is waited for longer than three seconds.
  - On a control-plane host without an etcd member it writes at most 2.3 MB where etcd will write,
    for two seconds at most, and removes them, also when it is killed. On a member it reads etcd's
    own numbers instead.
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
  probe:
    description:
      - Whom to ask and what to measure. By default it is made from the site's variables; an empty
        map asks nothing.
    type: dict
    suboptions:
      interface:
        description: Interface that carries the host's address.
        type: str
        default: ""
      peers:
        description: Hosts to which the path is probed, each with C(name) and C(address) (IPv4).
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the host.
            type: str
            required: true
          address:
            description: Its address.
            type: str
            required: true
      time_servers:
        description: Addresses of time servers.
        type: list
        elements: str
        default: []
      names:
        description: Names that are looked for in the hosts file.
        type: list
        elements: str
        default: []
      resolve:
        description: Name that each name server of the host is asked for.
        type: str
        default: ""
      etcd_dir:
        description: Data directory of etcd on a control-plane host; empty elsewhere.
        type: str
        default: ""
      bundle_sha256:
        description: SHA-256 of the controller's bundle index; empty when it is not known.
        type: str
        default: ""
"""

EXAMPLES = r"""
- name: Collect what the checks need
  biomax.platform.preflight_host_info:
  register: preflight_host
"""

RETURN = r"""
host:
  description: What the host says about itself; sizes in MiB, times in seconds.
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
    clock: {low: -0.021, high: 0.312}
    time:
      - {server: 192.0.2.10, answered: true, offset: 0.0004, delay: 0.0011, stratum: 3,
         synchronised: true}
    link: {mtu: 1500, speed: 10000, duplex: full}
    paths: [{peer: cp2, address: 192.0.2.22, through: [84, 1500]}]
    etcd_disk: {state: measured, p99_ms: 1.9, samples: 1000, directory: /var/lib}
    kernel: {release: 6.1.0-40-amd64, features: {overlay: true, wireguard: false}}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect import collect
from ansible_collections.biomax.platform.plugins.module_utils.preflight.probe import Probe

PATHS = [
    "/",
    "/usr/local/bin",
    "/var/lib/biomax-platform",
    "/var/lib/containerd",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/srv/biomax-platform",
]


PEER = {"name": {"type": "str", "required": True}, "address": {"type": "str", "required": True}}
PROBE = {
    "interface": {"type": "str", "default": ""},
    "peers": {"type": "list", "elements": "dict", "default": [], "options": PEER},
    "time_servers": {"type": "list", "elements": "str", "default": []},
    "names": {"type": "list", "elements": "str", "default": []},
    "resolve": {"type": "str", "default": ""},
    "etcd_dir": {"type": "str", "default": ""},
    "bundle_sha256": {"type": "str", "default": ""},
}


def main() -> None:
    """Collect and return."""
    module = AnsibleModule(
        argument_spec={
            "paths": {"type": "list", "elements": "path", "default": PATHS},
            "probe": {"type": "dict", "options": PROBE},
        },
        supports_check_mode=True,
    )
    asked = module.params["probe"] or {}
    probe = Probe(
        **{key: tuple(item) if isinstance(item, list) else item for key, item in asked.items()}
    )
    try:
        host = collect(module.params["paths"], probe=probe)
    except OSError as error:
        module.fail_json(
            msg=f"Looking at this host failed at {error.filename}: {error.strerror}."
            " Check the disk and the mounts of the host."
        )
    module.exit_json(changed=False, host=host)


if __name__ == "__main__":
    main()

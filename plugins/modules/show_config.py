#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: show_config
short_description: Show the effective value of every variable and where it comes from
version_added: 0.1.0
author: biomax.platform authors (@biomax)
description:
  - Runs once, on the controller, for the hosts of the play; C(--limit) is honoured.
  - No host is asked and nothing is written.
  - Prints what is the same on every host once, then each host's own values.
  - Each value is C(input) (written in the inventory), C(derived) (made from others, in the
    inventory or in a role), C(default) (a role's own), C(command) (C(--extra-vars)), or
    C(unreadable) with the reason.
  - Secrets are hidden, on the page and in the result, also where another variable repeats their
    text.
  - Ends with what M(biomax.platform.preflight) finds without asking a host. Findings do not fail
    the task.
  - Wants the variables of C(playbooks/vars/host_layer.yml) in its play.
attributes:
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: There is nothing to compare.
options: {}
"""

EXAMPLES = r"""
- name: Show every variable
  biomax.platform.show_config:
  run_once: true
"""

RETURN = r"""
common:
  description: Variables that are the same on every host that has them.
  returned: always
  type: list
  elements: dict
  sample:
    - section: site
      name: kube_api_port
      value: 8443
      origin: input
      place: group all, group_vars/all/api.yml:9
hosts:
  description: The other variables, by host, in the same form.
  returned: always
  type: dict
  sample:
    cp1:
      - section: site
        name: node_address
        value: 192.0.2.21
        origin: input
        place: host cp1
findings:
  description: What preflight finds without asking a host.
  returned: always
  type: list
  elements: dict
  sample: []
"""

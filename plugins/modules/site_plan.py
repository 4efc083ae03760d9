#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_plan
short_description: Write the plan of a site, or compare an approved one with what is needed now
version_added: 0.2.0
author: biomax.platform authors (@biomax)
description:
  - Runs once, on the controller, after the calls of all phases were made in check mode, and gathers
    the plans that they registered.
  - Nothing is changed on any host or in the cluster.
attributes:
  check_mode:
    support: full
    description: It changes no host; the files on the controller are written in check mode too.
  diff_mode:
    support: none
    description: There is nothing to compare.
options:
  state:
    description:
      - C(written) writes the plan file and beside it, with the suffix C(.txt), the page to read.
      - C(compared) fails when the file is for another run, or when anything moved since it was
        made; every such thing is named.
    type: str
    choices: [written, compared]
    default: written
  path:
    description: The plan file on the controller.
    type: path
    required: true
  site:
    description: Name of the site.
    type: str
    required: true
  state_dir:
    description: Directory on the controller where recorded times of phases are.
    type: path
    required: true
  accept_derived:
    description: A run bound to the plan need not stop at steps that could not be known yet.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write the plan
  biomax.platform.site_plan:
    path: "{{ site_state_dir }}/plan.json"
    site: "{{ site_name }}"
    state_dir: "{{ site_state_dir }}"
  run_once: true
"""

RETURN = r"""
steps:
  description: How many steps change something.
  returned: always
  type: int
  sample: 12
plan_file:
  description: The plan file.
  returned: always
  type: str
  sample: /home/operator/site/.lab/plan.json
"""

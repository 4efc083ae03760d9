#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Judge a site before anything is changed
version_added: 0.1.0
author: biomax.platform authors (@biomax)
description:
  - Runs once, on the controller, after M(biomax.platform.preflight_host_info) on every host.
  - Checks the inventory, its variables, the bundle and what each host said.
  - Prints all findings at once, writes them as JSON, and fails when one of them is an error.
  - Nothing is changed on any host.
attributes:
  check_mode:
    support: full
    description: It changes no host; the report on the controller is written in check mode too.
  diff_mode:
    support: none
    description: There is nothing to compare.
options:
  registered:
    description: Variable in which M(biomax.platform.preflight_host_info) was registered.
    type: str
    required: true
  report:
    description: File on the controller for the report as JSON.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Judge the site
  biomax.platform.preflight:
    registered: preflight_host
    report: "{{ site_state_dir }}/preflight.json"
  run_once: true
"""

RETURN = r"""
problems:
  description: Number of findings that stop the run; the report holds them.
  returned: always
  type: int
  sample: 1
warnings:
  description: Number of findings that are only shown.
  returned: always
  type: int
  sample: 0
not_checked:
  description: Number of things that could not be looked at; the report holds them.
  returned: always
  type: int
  sample: 0
report:
  description: File on the controller that holds the findings as JSON.
  returned: always
  type: str
  sample: /home/operator/site/.lab/preflight.json
"""

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action `bundle_transfer`; the action plugin does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_transfer
short_description: Brings a bundle from the controller to a mirror
version_added: 0.1.0
description:
  - Verifies the signature of the bundle's index, asks the host which files it lacks, sends those in
    batches, and publishes the new index when the last one has come.
  - The host verifies every file against the index.
  - A cut transfer goes on where it stopped. A run that has nothing to send is one module call.
  - Files that the index does not list are removed from O(dest).
options:
  src:
    description: Directory of the bundle on the controller.
    type: path
    required: true
  dest:
    description: Directory of the bundle on the host; C(incoming) and C(upload) are made beside it.
    type: path
    default: /srv/biomax-platform/bundle
  public_key:
    description: Key that signs the bundle's index, one line such as C(ssh-ed25519 AAAA...).
    type: str
    required: true
  batch_mib:
    description: Size of a batch in MiB. A larger file goes alone.
    type: int
    default: 64
  plan_file:
    description:
      - Plan file made by C(playbooks/plan.yml). Nothing is changed unless the steps that are needed
        are those of the file, planned from what is found now.
      - Empty binds the call to nothing.
    type: path
    default: ""
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: Fill the mirror
  biomax.platform.bundle_transfer:
    src: "{{ bundle_dir }}"
    public_key: "{{ bundle_public_key }}"
"""

RETURN = r"""
plan:
  description: The transfer as a step of a plan; empty when the mirror has everything.
  returned: always
  type: list
  elements: dict
  sample: [{role: mirror, kind: bundle, name: /srv/biomax-platform/bundle, action: transfer}]
files:
  description: How many files were sent, or would be in check mode.
  returned: always
  type: int
  sample: 214
bytes:
  description: Their size.
  returned: always
  type: int
  sample: 734003200
resumed:
  description: How many files an earlier, cut transfer had brought.
  returned: always
  type: int
  sample: 0
removed:
  description: Files that were removed, relative to O(dest).
  returned: always
  type: list
  elements: str
  sample: []
bytes_hashed:
  description: How many bytes the host read to compare.
  returned: always
  type: int
  sample: 0
"""

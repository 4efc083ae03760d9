#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin postgresql_restore."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_restore
short_description: Makes a PostgreSQL database as another one was at a second
version_added: 0.1.0
description:
  - Makes a second Cluster of CloudNativePG from the base backups and the write-ahead log of a live
    one, and waits until it is ready. The live one is not touched.
  - When the live database still runs, it first commits something and closes its segment of the log,
    so that everything up to now is in the archive.
  - Refuses a time without a zone, in the future, or before the first base backup, and a name that
    another database has. A run that was cut goes on when it is repeated.
attributes:
  check_mode:
    description: Checks time and name and tells what would be made.
    support: full
  diff_mode:
    description: Shows the declaration of the new Cluster.
    support: full
options:
  kubeconfig:
    description: File on the controller with the cluster's address and a client certificate.
    type: path
    required: true
  declaration:
    description: Declaration of the live Cluster, from which the new one takes everything else.
    type: dict
    required: true
  to:
    description: The second to restore to, ISO 8601 with a zone.
    type: str
    required: true
  name:
    description: Name of the new Cluster.
    type: str
    required: true
  instances:
    description: Instances of the new Cluster.
    type: int
    default: 1
  archive_seconds:
    description: How long the live database may take to archive its last segment.
    type: int
    default: 120
  ready_seconds:
    description: How long the restore may take.
    type: int
    default: 3600
  absent:
    description: Nodes that are known to be dead.
    type: list
    elements: str
    default: []
author: biomax.platform authors
"""

EXAMPLES = r"""
- name: Restore the database beside the live one
  biomax.platform.postgresql_restore:
    kubeconfig: "{{ site_state_dir }}/kubeconfig"
    declaration: "{{ lookup('ansible.builtin.template', 'cluster.yml.j2') | from_yaml }}"
    to: "2026-11-30 03:00:00+03:00"
    name: postgresql-restored
"""

RETURN = r"""
plan:
  description: The Cluster that was made, or would be in check mode.
  returned: always
  type: list
  elements: dict
restored:
  description: Where the new database is, how it is, and how long it took.
  returned: always
  type: dict
  sample: {to: "2026-11-30T00:00:00+00:00", service: pg-restored-rw.biomax-data, seconds: 74.5}
"""

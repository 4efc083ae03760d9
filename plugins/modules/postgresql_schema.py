#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin postgresql_schema."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_schema
short_description: Applies the migrations of a PostgreSQL database
version_added: 0.1.0
description:
  - Applies files C(NNNN_name.sql) in order, each once and in one transaction with its record in
    C(platform.migrations); one that fails leaves nothing behind.
  - Refuses files that were changed after they were applied, that are gone, or that got a number
    below an applied one.
  - Runs C(psql) in the pod of the primary, through the API server; no password is needed.
attributes:
  check_mode:
    description: Tells what is pending and applies nothing.
    support: full
  diff_mode:
    description: Shows the SQL that is pending.
    support: full
options:
  kubeconfig:
    description: File on the controller with the cluster's address and a client certificate.
    type: path
    required: true
  namespace:
    description: Namespace of the database's cluster.
    type: str
    required: true
  cluster:
    description: Name of CloudNativePG's Cluster.
    type: str
    required: true
  database:
    description: The database.
    type: str
    required: true
  owner:
    description: Role that owns what migrations make.
    type: str
    required: true
  migrations:
    description: Directory on the controller with the migrations.
    type: path
    required: true
  seconds:
    description: How long one migration may take.
    type: int
    default: 300
  absent:
    description: Nodes that are known to be dead. A database with its primary there is left alone.
    type: list
    elements: str
    default: []
  plan_file:
    description:
      - Plan file made by C(playbooks/plan.yml). Nothing is changed unless the migrations that are
        pending are those of the file.
      - Empty binds the call to nothing.
    type: path
    default: ""
author: biomax.platform authors
"""

EXAMPLES = r"""
- name: Bring the schema to the newest migration
  biomax.platform.postgresql_schema:
    kubeconfig: "{{ site_state_dir }}/kubeconfig"
    namespace: biomax-data
    cluster: postgresql
    database: biomax_ai
    owner: biomax_owner
    migrations: "{{ role_path }}/migrations"
"""

RETURN = r"""
plan:
  description: Migrations that were applied, or would be in check mode.
  returned: always
  type: list
  elements: dict
  sample:
    - {role: postgresql, kind: migration, name: 0001_users, action: apply, detail: 12 lines of SQL}
applied:
  description: Migrations that were applied before one failed.
  returned: on failure of a migration
  type: list
  elements: str
  sample: [0001_users]
"""

#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the images of a bundle into the mirror's registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: registry_images
short_description: Puts the images of a bundle into a registry
version_added: 0.1.0
description:
  - Compares digests and sends what differs. Runs on the mirror, where registry and bundle are.
  - Images that left the bundle stay in the registry; pods of an older release may still need them.
options:
  path:
    description: Directory of the bundle on this host.
    type: path
    default: /srv/biomax-platform/bundle
  public_key:
    description: Key that signs the bundle's index, one line such as C(ssh-ed25519 AAAA...).
    type: str
    required: true
  url:
    description: Address of the registry.
    type: str
    default: http://127.0.0.1:5000
  plan_file:
    description:
      - Plan file made by C(playbooks/plan.yml). Nothing is changed unless the steps that are needed
        are those of the file, planned from what is found now.
      - Empty binds the call to nothing.
    type: path
    default: ""
  approved:
    description:
      - Steps of a plan file that this call must keep to; the action plugin fills this in from
        O(plan_file).
    type: dict
attributes:
  check_mode:
    support: full
    details: When the registry does not run yet, all images are predicted.
  diff_mode:
    support: full
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: Put the bundle's images into the registry
  biomax.platform.registry_images:
    public_key: "{{ bundle_public_key }}"
"""

RETURN = r"""
plan:
  description: The push as a step of a plan; empty when the registry has everything.
  returned: always
  type: list
  elements: dict
images:
  description: The images that were sent, or would be in check mode.
  returned: always
  type: list
  elements: str
  sample: ["registry.k8s.io/pause:3.10.2"]
bytes:
  description: How many bytes of blobs were sent.
  returned: always
  type: int
  sample: 734003200
evidence:
  description: What the host showed when the module failed; the callback C(explain) reads it.
  type: dict
  returned: on failure
  sample: {clock: 1790000000.0, file_systems: [{path: /, free_mib: 0, total_mib: 64}]}
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    Entry,
    Index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.registry import (
    Registry,
    load_image,
    repository_of,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
    sha256_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Approval
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)

_UNKNOWN = {"detail": "known after bundle_transfer", "derived": True}


def argument_spec() -> dict[str, dict[str, Any]]:
    """Return the module's arguments."""
    return {
        "path": {"type": "path", "default": "/srv/biomax-platform/bundle"},
        "public_key": {"type": "str", "required": True},
        "url": {"type": "str", "default": "http://127.0.0.1:5000"},
        "plan_file": {"type": "path", "default": ""},
        "approved": {"type": "dict"},
    }


def run(params: dict[str, Any], registry: Registry, check_mode: bool) -> dict[str, Any]:
    """Send the images that the registry does not have under their tag.

    Args:
        params: the module's arguments.
        registry: where the images go.
        check_mode: compare only.

    Returns:
        The module's result.

    Raises:
        PlatformError: the bundle is not whole, or the registry refuses.
    """
    bundle = Path(params["path"])
    if check_mode and not bundle.is_dir():
        row = {**_row(params["url"], "", [], []), **_UNKNOWN}
        return {
            "changed": True,
            "images": [_UNKNOWN["detail"]],
            "bytes": 0,
            "plan": _approved(params, [row], check_mode),
        }
    index = load_verified_index(bundle, params["public_key"])
    _refuse_collisions(index)
    wanted = _different(index, registry, check_mode)
    rows = (
        [_row(params["url"], sha256_file(bundle / INDEX_NAME), index.of_kind("image"), wanted)]
        if wanted
        else []
    )
    _approved(params, rows, check_mode)
    sent = 0
    if not check_mode:
        for entry in wanted:
            sent += registry.push(
                repository_of(entry.name), entry.version, load_image(bundle, entry)
            )
    labels = [entry.label for entry in wanted]
    diff = {"prepared": "".join(f"+ {label}\n" for label in labels)}
    return {"changed": bool(wanted), "images": labels, "bytes": sent, "diff": diff, "plan": rows}


def _approved(
    params: dict[str, Any], rows: list[dict[str, Any]], check_mode: bool
) -> list[dict[str, Any]]:
    """Return the rows; in a bound run only when they are those of the plan file."""
    approval = Approval.from_arguments(params["approved"])
    if approval:
        approval.verify(rows, check=check_mode)
    return rows


def _row(
    url: str, declared: str, images: Sequence[Entry], wanted: Sequence[Entry]
) -> dict[str, Any]:
    """Return the push as one step of a plan."""
    missing = {entry.label for entry in wanted}
    return {
        "role": "mirror",
        "kind": "images",
        "name": url,
        "action": "push",
        "detail": f"{len(wanted)} of {len(images)} images",
        "changes": True,
        "derived": False,
        "declared": declared,
        "observed": {"missing": sorted(missing)},
    }


def _different(index: Index, registry: Registry, check_mode: bool) -> list[Entry]:
    """Return the images whose tag is not in the registry or has another digest."""
    images = index.of_kind("image")
    try:
        return [
            entry
            for entry in images
            if registry.digest(repository_of(entry.name), entry.version) != entry.digest
        ]
    except PlatformError:
        if check_mode:  # before the first run there is no registry; everything would be sent
            return list(images)
        raise


def _refuse_collisions(index: Index) -> None:
    """Refuse two images that would share a repository and a tag without their registries."""
    seen: dict[tuple[str, str], Entry] = {}
    for entry in index.of_kind("image"):
        other = seen.setdefault((repository_of(entry.name), entry.version), entry)
        if other is not entry:
            raise InputError(
                f"The images {other.label} and {entry.label} have the same name without their "
                "registry, so a mirror cannot hold both. Build the bundle without one of them."
            )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = run(module.params, Registry(module.params["url"]), module.check_mode)
    except PlatformError as error:
        # Only a failure pays for loading it.
        from ansible_collections.biomax.platform.plugins.module_utils.explain.evidence import (
            evidence_of,
        )

        module.fail_json(msg=str(error), evidence=evidence_of(str(error)))
    except OSError as error:
        module.fail_json(
            msg=f"Reading the bundle in {module.params['path']}: {error.strerror} "
            f"({error.filename}). Transfer the bundle again."
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's half of `bundle_transfer`: says what is missing, takes batches in, publishes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_store
short_description: Keeps a mirror's copy of a bundle equal to a signed index
version_added: 0.1.0
description:
  - The host's half of M(biomax.platform.bundle_transfer), which calls it.
  - Files are verified against the signed index when they arrive.
  - They become visible all at once, when none is missing.
  - What the index no longer lists is removed from the bundle directory.
options:
  path:
    description: Bundle directory. C(incoming) and C(upload) are made beside it.
    type: path
    required: true
  public_key:
    description: Key that signs the bundle's index, one line such as C(ssh-ed25519 AAAA...).
    type: str
    required: true
  index_sha256:
    description: Sum of the wanted index.
    type: str
    required: true
  index_dir:
    description:
      - Directory on the host with the wanted index and its signature.
      - Needed unless the wanted index is the published one.
    type: path
  state:
    description:
      - V(compared) looks; with O(index_dir), outside check mode, it makes ready for batches.
      - V(received) takes O(batch) in.
      - V(published) puts everything in place and removes what left.
    type: str
    choices: [compared, received, published]
    default: compared
  batch:
    description:
      - Name of the uploaded archive in C(upload), which is removed when it was taken in.
      - Every batch has its own name. A call that a killed controller left behind then finds
        nothing to take and cannot take away the batch of the run that followed.
    type: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
author: biomax.platform authors (@biomax)
"""

EXAMPLES = r"""
- name: See whether the mirror has the whole bundle
  biomax.platform.bundle_store:
    path: /srv/biomax-platform/bundle
    public_key: "{{ bundle_public_key }}"
    index_sha256: 8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4
"""

RETURN = r"""
known:
  description: Whether the wanted index is on the host. If not, O(index_dir) is needed.
  returned: always
  type: bool
  sample: true
published:
  description: Whether the wanted index is the valid one.
  returned: always
  type: bool
  sample: true
missing:
  description: Sums of the files that have to be transferred.
  returned: when known
  type: list
  elements: str
  sample: []
missing_bytes:
  description: Their size.
  returned: when known
  type: int
  sample: 0
staged:
  description: Paths that were received and wait for their place.
  returned: when known
  type: list
  elements: str
  sample: []
extra:
  description: Paths that the index does not list.
  returned: when known
  type: list
  elements: str
  sample: []
free_bytes:
  description: Free space of the file system.
  returned: when known
  type: int
  sample: 42949672960
bytes_hashed:
  description: How many bytes were read to compute sums.
  returned: always
  type: int
  sample: 0
evidence:
  description: What the host showed when the module failed; the callback C(explain) reads it.
  type: dict
  returned: on failure
  sample: {clock: 1790000000.0, file_systems: [{path: /, free_mib: 0, total_mib: 64}]}
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import INDEX_NAME, Index
from ansible_collections.biomax.platform.plugins.module_utils.bundle.store import Store
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host import lock
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

LOCK_SECONDS = 60.0  # a call that a killed controller left behind still takes its batch in
HASHES = Path("/var/lib/biomax-platform/bundle-hashes.json")


def argument_spec() -> dict[str, dict[str, Any]]:
    """Return the module's arguments."""
    return {
        "path": {"type": "path", "required": True},
        "public_key": {"type": "str", "required": True},
        "index_sha256": {"type": "str", "required": True},
        "index_dir": {"type": "path"},
        "state": {
            "type": "str",
            "choices": ["compared", "received", "published"],
            "default": "compared",
        },
        "batch": {"type": "str"},
    }


def run(params: dict[str, Any], store: Store, check_mode: bool) -> dict[str, Any]:
    """Do what `state` asks for and return the module's result without `bytes_hashed`.

    Args:
        params: the module's arguments.
        store: the mirror's store.
        check_mode: look only.

    Raises:
        PlatformError: the index does not hold, a file is not what it should be, the disk is full.
    """
    wanted = params["index_sha256"]
    directory = _index_directory(params, store)
    published = store.published_sum() == wanted
    if directory is None:
        return {"changed": False, "known": False, "published": False}
    index = load_verified_index(directory, params["public_key"])
    if check_mode or params["state"] == "compared":
        if params["index_dir"] and not check_mode:
            store.prepare(directory, params["public_key"], _uploader())
        return {"changed": False, "known": True, "published": published, **_compare(store, index)}
    if params["state"] == "received":
        batch = store.upload / params["batch"]
        taken = store.receive(index, batch)
        batch.unlink()
        return {"changed": bool(taken), "known": True, "published": published, "taken": taken}
    placed, removed = store.publish(index, directory)
    changed = bool(placed or removed or not published)
    return {
        "changed": changed,
        "known": True,
        "published": True,
        "staged": placed,
        "extra": removed,
    }


def _index_directory(params: dict[str, Any], store: Store) -> Path | None:
    """Return the directory whose index is the wanted one: given, under way or published."""
    given = [Path(params["index_dir"])] if params["index_dir"] else []
    for directory in (*given, store.incoming, store.path):
        index = directory / INDEX_NAME
        if index.is_file() and _sum(index) == params["index_sha256"]:
            return directory
    if given or params["state"] != "compared":
        raise InputError(
            f"Looking for the index {params['index_sha256'][:12]}… in {store.incoming} and beside "
            "it: it is not there. The bundle was built again meanwhile; run the transfer again."
        )
    return None


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _compare(store: Store, index: Index) -> dict[str, Any]:
    found = store.compare(index)
    return {
        "missing": [entry.sha256 for entry in found.missing],
        "missing_bytes": found.missing_bytes,
        "staged": [entry.path for entry in found.staged],
        "extra": list(found.extra),
        "free_bytes": store.free_bytes(),
    }


def _uploader() -> int:
    """Return the numeric id of the user who logged in; sudo leaves it in the environment."""
    return int(os.environ.get("SUDO_UID", os.getuid()))


def _run_and_save(module: Any, hashes: Hashes) -> dict[str, Any]:
    result = run(module.params, Store(Path(module.params["path"]), hashes), module.check_mode)
    if not module.check_mode:
        HASHES.parent.mkdir(parents=True, exist_ok=True)
        hashes.save()
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        required_if=[("state", "received", ("batch",))],
        supports_check_mode=True,
    )
    os.umask(0o022)
    hashes = Hashes(HASHES)
    holder = {"run": f"bundle_store {module.params['state']}", "user": str(os.getuid())}
    try:
        with lock.held(Host(), holder, LOCK_SECONDS, write=not module.check_mode):
            result = _run_and_save(module, hashes)
    except PlatformError as error:
        # Only a failure pays for loading it.
        from ansible_collections.biomax.platform.plugins.module_utils.explain.evidence import (
            evidence_of,
        )

        module.fail_json(msg=str(error), evidence=evidence_of(str(error)))
    except OSError as error:
        module.fail_json(
            msg=f"Bundle store {module.params['path']}, state {module.params['state']}: "
            f"{error.strerror} ({error.filename}). Run the transfer again."
        )
    module.exit_json(bytes_hashed=hashes.bytes_hashed, **result)


if __name__ == "__main__":
    main()

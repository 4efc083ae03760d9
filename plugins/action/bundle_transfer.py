# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a bundle from the controller to a mirror: missing files only, in batches that resume."""

from __future__ import annotations

import hashlib
import secrets
import tempfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.bundle.batches import (
    plan_batches,
    write_batch,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    SIGNATURE_NAME,
    Entry,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.store import (
    file_entries,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import digest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import BUNDLE
from ansible_collections.biomax.platform.plugins.plugin_utils.approved import approval_of

MODULE = "biomax.platform.bundle_store"
_MIB = 1024 * 1024


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Compare with the host, send what is missing, publish."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(("src", "dest", "public_key", "batch_mib", "plan_file"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        super().run(tmp, task_vars)
        _, args = self.validate_argument_spec(
            argument_spec={
                "src": {"type": "path", "required": True},
                "dest": {"type": "path", "default": "/srv/biomax-platform/bundle"},
                "public_key": {"type": "str", "required": True},
                "batch_mib": {"type": "int", "default": 64},
                "plan_file": {"type": "path", "default": ""},
            }
        )
        self._args, self._task_vars = args, task_vars or {}
        try:
            return self._transfer(Path(args["src"]))
        except PlatformError as error:
            raise AnsibleActionFail(f"Bundle transfer from {args['src']}: {error}") from error
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _transfer(self, source: Path) -> dict[str, Any]:
        index = load_verified_index(source, self._args["public_key"])
        wanted = hashlib.sha256((source / INDEX_NAME).read_bytes()).hexdigest()
        found = self._store(wanted, "compared")
        if not found["known"] or not found["published"] or _differs(found):
            found = self._store(wanted, "compared", index_dir=self._send_index(source))
        entries = {entry.sha256: entry for entry in file_entries(index)}
        missing = [entries[digest] for digest in found["missing"]]
        changed = not found["published"] or _differs(found)
        rows = [_row(self._args["dest"], wanted, found)] if changed else []
        host = str(self._task_vars.get("inventory_hostname", ""))
        approval = approval_of(self._args["plan_file"], BUNDLE, host)
        if approval:
            approval.verify(rows, check=bool(self._task.check_mode))
        if changed and not self._task.check_mode:
            self._check_space(found)
            self._send(source, wanted, missing)
            self._store(wanted, "published")
        return {**self._report(found, missing, changed), "plan": rows}

    def _store(self, wanted: str, state: str, **more: Any) -> dict[str, Any]:
        """Call the host's half; its failure ends the task with its message."""
        result = self._execute_module(
            module_name=MODULE,
            module_args={
                "path": self._args["dest"],
                "public_key": self._args["public_key"],
                "index_sha256": wanted,
                "state": state,
                **more,
            },
            task_vars=self._task_vars,
        )
        if result.get("failed"):
            said = [result.get(key) for key in ("msg", "module_stderr", "exception")]
            raise AnsibleActionFail(
                str(next(filter(None, said), "the module gave no answer")), result=result
            )
        return dict(result)

    def _send_index(self, source: Path) -> str:
        """Copy index and signature into the connection's temporary directory on the host."""
        directory = self._connection._shell.tmpdir or self._make_tmp_path()
        remote = []
        for name in (INDEX_NAME, SIGNATURE_NAME):
            remote.append(self._connection._shell.join_path(directory, name))
            self._transfer_file(str(source / name), remote[-1])
        self._fixup_perms2((directory, *remote))
        return str(directory)

    def _send(self, source: Path, wanted: str, missing: list[Entry]) -> None:
        total = sum(entry.size for entry in missing)
        upload = Path(self._args["dest"]).parent / "upload"
        sent = 0
        for batch in plan_batches(missing, self._args["batch_mib"] * _MIB):
            name = f"batch-{secrets.token_hex(8)}.tar"
            with tempfile.NamedTemporaryFile(prefix="biomax-batch-") as archive:
                write_batch(source, batch, Path(archive.name))
                self._transfer_file(archive.name, str(upload / name))
            self._store(wanted, "received", batch=name)
            sent += sum(entry.size for entry in batch)
            host = self._task_vars.get("inventory_hostname", "the mirror")
            self._display.display(f"bundle to {host}: {sent // _MIB} of {total // _MIB} MiB")

    def _check_space(self, found: dict[str, Any]) -> None:
        largest = self._args["batch_mib"] * _MIB
        wanted = found["missing_bytes"] + 2 * largest
        if found["missing"] and found["free_bytes"] < wanted:
            raise AnsibleActionFail(
                f"Bundle transfer to {self._args['dest']}: {wanted // _MIB} MiB are needed there "
                f"and {found['free_bytes'] // _MIB} MiB are free. Nothing was sent. Free space on "
                "that file system and run again."
            )

    def _report(self, found: dict[str, Any], missing: list[Entry], changed: bool) -> dict[str, Any]:
        lines = sorted(f"+ {entry.path} ({entry.size} bytes)" for entry in missing)
        lines += [f"+ {path} (received before)" for path in found["staged"]]
        lines += [f"- {path}" for path in found["extra"]]
        result = {
            "changed": changed,
            "files": len(missing),
            "bytes": found["missing_bytes"],
            "resumed": len(found["staged"]),
            "removed": found["extra"],
            "bytes_hashed": found["bytes_hashed"],
        }
        if self._task.diff and changed:
            result["diff"] = {"prepared": "".join(f"{line}\n" for line in lines)}
        return result


def _row(dest: str, index_sha256: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return the transfer as one step of a plan."""
    observed = {
        "published": bool(found["published"]),
        "missing": digest(sorted(found["missing"]))[:16],
        "received before": digest(sorted(found["staged"]))[:16],
        "too many": digest(sorted(found["extra"]))[:16],
    }
    size = found["missing_bytes"] / _MIB
    return {
        "role": "mirror",
        "kind": "bundle",
        "name": dest,
        "action": "transfer",
        "detail": f"{len(found['missing'])} files, {size:.0f} MiB; {len(found['extra'])} go",
        "changes": True,
        "declared": index_sha256,
        "observed": observed,
    }


def _differs(found: dict[str, Any]) -> bool:
    return bool(found["missing"] or found["staged"] or found["extra"])

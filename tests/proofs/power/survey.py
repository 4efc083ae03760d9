"""What a host's disk holds, and what must be true of it after a power cut."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.proofs.power.site import on_virtual_host
from tests.proofs.power.watch import Event
from tests.proofs.survival import STARTED_AFTER

INPUTS: Mapping[str, tuple[str, ...]] = {
    **STARTED_AFTER,
    "systemd-journald.service": ("/etc/systemd/journald.conf.d/biomax-platform.conf",),
}
# Everything that the engine and dpkg write beside the package database itself.
ROOTS = ("/etc", "/opt", "/usr/local/bin")
# Made by programs of packages in several steps, so a third content between old and new is right.
GENERATED = (
    "/etc/ld.so.cache",
    *(
        f"/etc/{name}{end}"
        for name in ("passwd", "group", "shadow", "gshadow")
        for end in ("", "-")
    ),
)
HALF_WRITTEN = (".biomax-new", ".dpkg-new", ".dpkg-tmp")
PROGRAM = r"""
import hashlib, json, os, sys
files = {}
for root in json.loads(sys.argv[1]):
    for folder, _names, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                files[path] = [-1, os.readlink(path)]
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    data = file.read()
                files[path] = [len(data), hashlib.md5(data).hexdigest()]
conffiles = {}
for line in open("/var/lib/dpkg/status", encoding="utf-8"):
    words = line.split()
    if line.startswith(" /") and len(words) > 1:
        conffiles[words[0]] = words[1]
ledger = {}
folder = "/var/lib/biomax-platform/ledger"
for name in os.listdir(folder) if os.path.isdir(folder) else []:
    with open(os.path.join(folder, name)) as file:
        ledger[name] = file.read()
print(json.dumps([files, ledger, conffiles]))
"""


@dataclass(frozen=True)
class Survey:
    """Size and MD5 of each file (for a link: -1 and its target), and the ledger's files.

    `conffiles` has the MD5 of each configuration file as its package brings it, from dpkg's status.
    """

    files: Mapping[str, tuple[int, str]]
    ledger: Mapping[str, str] = field(default_factory=dict)
    conffiles: Mapping[str, str] = field(default_factory=dict)

    @property
    def owed(self) -> set[str]:
        """Units with an intent."""
        return {name.removesuffix(".json") for name in self.ledger if name.endswith(".json")}


def look() -> Survey:
    """Survey the virtual host."""
    files, ledger, conffiles = json.loads(on_virtual_host(PROGRAM, f"'{json.dumps(list(ROOTS))}'"))
    whole = {path: (size, digest) for path, (size, digest) in files.items()}
    return Survey(whole, ledger, conffiles)


def broken_promises(
    before: Survey, found: Survey, after: Survey, events: Sequence[Event]
) -> list[str]:
    """Compare a host after a power cut with what it was before and after the next run.

    Args:
        before: when the cut run began; everything of it was durable.
        found: after the cut, before anything repaired it.
        after: when one more run had ended.
        events: what was seen of the cut run.

    Returns:
        A line for each file that is neither old nor new, each intent that is unreadable, and each
        restart that is owed and in no ledger.
    """
    return [
        *_not_whole(before, found, after),
        *_unreadable(found),
        *_forgotten(before, found, after, events),
        *(f"{name}: still owed after one more run" for name in sorted(after.ledger)),
        *(f"{path}: half-written and left behind" for path in after.files if _is_half(path)),
    ]


def _not_whole(before: Survey, found: Survey, after: Survey) -> list[str]:
    lines = []
    for path in sorted({**before.files, **after.files, **found.files}):
        old, now, new = (survey.files.get(path) for survey in (before, found, after))
        if now in (old, new) or _is_half(path):
            continue
        # What was cut while it was set up has its sums in dpkg's status after the next run.
        if now and now[1] in (found.conffiles.get(path), after.conffiles.get(path)):
            continue
        if now is None:
            lines.append(f"{path}: gone")
        elif now[0] == 0:
            lines.append(f"{path}: empty")
        elif path not in GENERATED:
            lines.append(f"{path}: neither old nor new, {now[0]} bytes")
    return lines


def _is_half(path: str) -> bool:
    return path.endswith(HALF_WRITTEN)


def _unreadable(found: Survey) -> list[str]:
    lines = []
    for name, text in sorted(found.ledger.items()):
        try:
            json.loads(text)
        except ValueError:
            if not _is_half(name):
                lines.append(f"{name}: an intent that cannot be read, {len(text)} bytes")
    return lines


def _forgotten(before: Survey, found: Survey, after: Survey, events: Sequence[Event]) -> list[str]:
    """Return units with a changed input, no intent, and no new process that was seen."""
    restarted = {event.name for event in events if event.what == "process" and event.there}
    lines = []
    for unit, inputs in INPUTS.items():
        changed = [
            path
            for path in inputs
            if before.files.get(path) != found.files.get(path) == after.files.get(path)
        ]
        if changed and unit not in found.owed | restarted:
            lines.append(f"{unit}: {', '.join(changed)} changed, and its restart is forgotten")
    return lines


def changes_kept(before: Survey, found: Survey, after: Survey) -> tuple[int, int]:
    """Return how many of the cut run's file changes were on the disk, and how many there were."""
    changed = {path for path in after.files if after.files[path] != before.files.get(path)}
    kept = {path for path in changed if found.files.get(path) == after.files[path]}
    return len(kept), len(changed)

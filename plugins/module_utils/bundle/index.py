# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle's index: what a site may install, with the sum of every byte.

The format is described in `docs/guide/bundle.md`. The index is parsed strictly, because every
host trusts what it says once the signature holds. Standard library only: this runs on hosts.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)

INDEX_NAME = "index.json"
SIGNATURE_NAME = "index.json.sig"
FORMAT = 1
KINDS = ("apt", "blob", "file", "image", "manifest", "sbom")
BUILDERS = ("source", "upstream")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REQUIRED: Mapping[str, type] = {"kind": str, "name": str, "path": str, "size": int}
_OPTIONAL: Mapping[str, type] = {
    "version": str,
    "sha256": str,
    "digest": str,
    "licence": str,
    "source": str,
    "install": dict,
    "member_sha256": dict,
}


@dataclass(frozen=True)
class Entry:
    """One artifact of the bundle.

    `path` is relative to the bundle; for an image it is the OCI layout that holds it and `digest`
    names its manifest. `size` is in bytes (for an image: manifest, configuration and layers).
    `install` says how a file is installed: `{"type": "binary"}`, or `{"type": "archive",
    "members": {path in the archive: file name}}`, and then `member_sha256` has each file's sum.
    """

    kind: str
    name: str
    path: str
    size: int
    version: str = ""
    sha256: str = ""
    digest: str = ""
    licence: str = ""
    source: str = ""
    install: Mapping[str, Any] = field(default_factory=dict)
    member_sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what entries are sorted by and unique in: kind, name and version."""
        return (self.kind, self.name, self.version)

    @property
    def label(self) -> str:
        """Return the name a message uses: `kubelet 1.36.3`, `registry.k8s.io/pause:3.10.2`."""
        if self.kind == "image":
            return f"{self.name}:{self.version}"
        return f"{self.name} {self.version}".rstrip()

    def as_dict(self) -> dict[str, Any]:
        """Return the entry as the index writes it: empty optional fields are left out."""
        values = {name: getattr(self, name) for name in (*_REQUIRED, *_OPTIONAL)}
        return {name: value for name, value in values.items() if name in _REQUIRED or value}


@dataclass(frozen=True)
class Index:
    """A whole index; `entries` is sorted by kind, name and version."""

    builder: str
    arch: str
    entries: tuple[Entry, ...]

    def file(self, name: str, version: str | None = None) -> Entry:
        """Return the file artifact `name`.

        Without `version` the index must hold exactly one; else InputError names what it holds.
        """
        return self._find("file", name, version)

    def image(self, name: str, version: str | None = None) -> Entry:
        """Return the image with the full name `name` (with its registry) and tag `version`."""
        return self._find("image", name, version)

    def manifest(self, name: str, version: str | None = None) -> Entry:
        """Return the manifest `name`: a YAML file with Kubernetes objects."""
        return self._find("manifest", name, version)

    def of_kind(self, kind: str) -> tuple[Entry, ...]:
        """Return the entries of `kind`, in the index's order."""
        return tuple(entry for entry in self.entries if entry.kind == kind)

    def _find(self, kind: str, name: str, version: str | None) -> Entry:
        candidates = [entry for entry in self.of_kind(kind) if entry.name == name]
        found = [entry for entry in candidates if version is None or entry.version == version]
        if len(found) == 1:
            return found[0]
        wanted = f"{kind} {name}" if version is None else f"{kind} {name} version {version}"
        if found:
            held = ", ".join(entry.version for entry in found)
            raise InputError(f"The bundle holds several of {wanted} ({held}); say which version.")
        raise InputError(
            f"The bundle has no {wanted}: {self._nearest(kind, name, candidates)}. "
            "Correct the name or version, or add it to bundle/catalogue and build the bundle again."
        )

    def _nearest(self, kind: str, name: str, candidates: Iterable[Entry]) -> str:
        versions = ", ".join(entry.version for entry in candidates)
        if versions:
            return f"it has {versions}"
        names = sorted({entry.name for entry in self.of_kind(kind)})
        near = difflib.get_close_matches(name, names, n=3)
        return f"nearest are {', '.join(near)}" if near else f"it has {', '.join(names) or 'none'}"


def load_index(data: bytes) -> Index:
    """Return the index that `data` holds (the bytes of index.json, signature already verified).

    Raises:
        InputError: the format is one this release does not know.
        IntegrityError: the bytes are not a well-formed index.
    """
    document = _object(data)
    if document.get("format") != FORMAT:
        raise InputError(
            f"The bundle index has format {document.get('format')!r}, this release reads format "
            f"{FORMAT}. Use the release of the platform that built the bundle, or build it again."
        )
    unknown = sorted(set(document) - {"format", "builder", "arch", "entries"})
    entries = document.get("entries")
    if unknown or not isinstance(entries, list) or document.get("builder") not in BUILDERS:
        raise _malformed(
            f"unknown keys {unknown}, or builder or entries missing: {sorted(document)}"
        )
    if not isinstance(document.get("arch"), str):
        raise _malformed("the architecture is missing")
    parsed = tuple(_entry(number, item) for number, item in enumerate(entries))
    _check_order(parsed)
    return Index(document["builder"], document["arch"], parsed)


def dump_index(index: Index) -> bytes:
    """Return the one canonical text of `index`: sorted keys and entries, a final newline."""
    document = {
        "format": FORMAT,
        "builder": index.builder,
        "arch": index.arch,
        "entries": [entry.as_dict() for entry in sorted(index.entries, key=lambda e: e.key)],
    }
    return (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()


def _object(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
    except (UnicodeDecodeError, ValueError) as error:
        raise _malformed(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _malformed("the document is no object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a repeated key: two readers could otherwise see two different indexes."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError(f"a key is repeated among {sorted(name for name, _ in pairs)}")
    return result


def _entry(number: int, item: Any) -> Entry:
    if not isinstance(item, dict):
        raise _malformed(f"entry {number} is no object")
    where = f"entry {number} ({item.get('kind')} {item.get('name')})"
    types = {**_REQUIRED, **_OPTIONAL}
    missing = sorted(set(_REQUIRED) - set(item))
    unknown = sorted(set(item) - set(types))
    if missing or unknown:
        raise _malformed(f"{where}: missing keys {missing}, unknown keys {unknown}")
    for name, value in item.items():
        if type(value) is not types[name]:
            raise _malformed(f"{where}: {name} is {value!r}, wanted {types[name].__name__}")
    entry = Entry(**item)
    _check_values(where, entry)
    return entry


def _check_values(where: str, entry: Entry) -> None:
    """Raise IntegrityError unless kind, path, size and sums have the form they must have."""
    path = PurePosixPath(entry.path)
    if entry.kind not in KINDS:
        raise _malformed(f"{where}: kind is one of {', '.join(KINDS)}")
    if not entry.path or path.is_absolute() or ".." in path.parts or str(path) != entry.path:
        raise _malformed(f"{where}: path {entry.path!r} does not stay inside the bundle")
    if entry.size < 0:
        raise _malformed(f"{where}: size {entry.size} is below zero")
    sums = [entry.sha256, *entry.member_sha256.values()]
    if entry.kind == "image":
        sums = [entry.digest.removeprefix("sha256:") if ":" in entry.digest else ""]
    if not all(isinstance(value, str) and _SHA256.fullmatch(value) for value in sums):
        raise _malformed(f"{where}: a sum is not 64 lower-case hexadecimal digits")


def _check_order(entries: tuple[Entry, ...]) -> None:
    keys = [entry.key for entry in entries]
    if keys != sorted(set(keys)):
        raise _malformed("entries are not sorted and unique by kind, name and version")
    paths = [entry.path for entry in entries if entry.kind != "image"]
    if len(paths) != len(set(paths)):
        twice = sorted({path for path in paths if paths.count(path) > 1})
        raise _malformed(f"two entries share a path: {', '.join(twice)}")


def _malformed(found: str) -> IntegrityError:
    return IntegrityError(
        f"Reading the bundle index: {found}. "
        "Transfer the bundle again; if it stays so, build it again."
    )

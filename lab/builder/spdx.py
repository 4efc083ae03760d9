"""SPDX 2.3 documents as JSON: packages, what they contain, what they were made from.

Field names: clauses 6, 7 and 11 of the SPDX specification 2.3 and its JSON schema. Whatever is
described is an SPDX package with a SHA-256; SPDX files would want SHA-1 sums, which the bundle
has nowhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

NO_ASSERTION = "NOASSERTION"
DOCUMENT = "SPDXRef-DOCUMENT"


@dataclass(frozen=True)
class Package:
    """One thing that the document describes; empty fields are not known.

    Attributes:
        kind: what it is here; part of its identifier.
        purpose: its purpose in the words of clause 7.24.
        licence: SPDX expression that its project declares.
        licence_note: where its licences are written when there is no expression.
        download: address that it was taken from.
        source: in words where it came from.
        purl: package URL.
        path: its path in the bundle.
    """

    kind: str
    name: str
    version: str = ""
    sha256: str = ""
    purpose: str = "OTHER"
    licence: str = ""
    licence_note: str = ""
    download: str = ""
    source: str = ""
    purl: str = ""
    path: str = ""

    @property
    def id(self) -> str:
        """Return the identifier; a hash keeps names apart that differ in other characters only."""
        words = re.sub(r"[^A-Za-z0-9.]+", "-", f"{self.kind}-{self.name}-{self.version}")
        key = hashlib.sha256("\0".join((self.kind, self.name, self.version)).encode())
        return f"SPDXRef-{words.strip('-')}-{key.hexdigest()[:8]}"

    def as_dict(self) -> dict[str, Any]:
        """Return the package as the document has it."""
        document: dict[str, Any] = {
            "SPDXID": self.id,
            "name": self.name,
            "downloadLocation": self.download or NO_ASSERTION,
            "filesAnalyzed": False,
            "licenseConcluded": NO_ASSERTION,
            "licenseDeclared": self.licence or NO_ASSERTION,
            "copyrightText": NO_ASSERTION,
            "primaryPackagePurpose": self.purpose,
        }
        optional = {
            "versionInfo": self.version,
            "packageFileName": self.path,
            "sourceInfo": self.source,
            "licenseComments": self.licence_note,
        }
        document |= {name: value for name, value in optional.items() if value}
        if self.sha256:
            document["checksums"] = [{"algorithm": "SHA256", "checksumValue": self.sha256}]
        if self.purl:
            document["externalRefs"] = [
                {
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": self.purl,
                }
            ]
        return document


@dataclass
class Document:
    """A document under way; the same packages and relations give the same bytes."""

    packages: dict[str, Package] = field(default_factory=dict)
    relations: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, package: Package, *, within: Package | None = None) -> Package:
        """Add `package`, contained in `within`; return it."""
        self.packages.setdefault(package.id, package)
        if within:
            self.relations.add((within.id, "CONTAINS", package.id))
        return package

    def made_from(self, package: Package, origin: Package) -> None:
        """Say that `package` was made from `origin`."""
        self.packages.setdefault(origin.id, origin)
        self.relations.add((package.id, "GENERATED_FROM", origin.id))

    def dump(self, name: str, created: str, described: Package) -> bytes:
        """Return the document's bytes.

        Args:
            name: of the document.
            created: UTC time, as 2026-01-02T03:04:05Z.
            described: the package that the document is about.
        """
        relations = {*self.relations, (DOCUMENT, "DESCRIBES", described.id)}
        body = {
            "spdxVersion": "SPDX-2.3",
            "SPDXID": DOCUMENT,
            "dataLicense": "CC0-1.0",
            "name": name,
            "creationInfo": {"created": created, "creators": ["Tool: biomax.platform-bundle"]},
            "packages": [package.as_dict() for _, package in sorted(self.packages.items())],
            "relationships": [
                {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
                for one, kind, other in sorted(relations)
            ],
        }
        # Clause 6.5 wants an address of its own for each document; this one is its content's.
        body["documentNamespace"] = uuid.uuid5(uuid.NAMESPACE_OID, _json(body)).urn
        return f"{_json(body)}\n".encode()


def purl(kind: str, path: str, version: str, **qualifiers: str) -> str:
    """Return a package URL (package-url specification): `pkg:deb/debian/age@1.1.1?arch=amd64`."""
    given = "&".join(f"{key}={quote(value)}" for key, value in sorted(qualifiers.items()))
    return f"pkg:{kind}/{path}@{quote(version, safe=':')}{'?' if given else ''}{given}"


def _json(document: Any) -> str:
    return json.dumps(document, sort_keys=True, indent=1)

"""A bundle's SPDX list, read back; judged by the library of the SPDX project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spdx_tools.spdx.parser.json.json_parser import parse_from_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


class SpdxList:
    """A list that was read back."""

    def __init__(self, bundle: Path) -> None:
        self.path = bundle / "sbom.spdx.json"
        self.document: dict[str, Any] = json.loads(self.path.read_bytes())
        self.packages: dict[str, dict[str, Any]] = {
            item["SPDXID"]: item for item in self.document["packages"]
        }

    def related(self, name: str, kind: str) -> list[str]:
        """Return the names of what the package `name` has the relation `kind` to."""
        return sorted(
            self.packages[item["relatedSpdxElement"]]["name"]
            for item in self.document["relationships"]
            if item["relationshipType"] == kind
            and self.packages.get(item["spdxElementId"], {}).get("name") == name
        )

    def package(self, name: str, purpose: str) -> dict[str, Any]:
        """Return the package of the bundle called `name`, which has a path there."""
        (found,) = (
            item
            for item in self.packages.values()
            if (item["name"], item["primaryPackagePurpose"]) == (name, purpose)
            and (item.get("packageFileName") or purpose == "ARCHIVE")
        )
        return found


def problems(path: Path) -> list[str]:
    """Return what the specification's library finds wrong in a document."""
    found = validate_full_spdx_document(parse_from_file(str(path)))
    return [f"{item.context.spdx_id}: {item.validation_message}" for item in found]

"""The committed schema is current, accepts every role of ours and refuses wrong keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.host.schema import resources_schema

ROOT = Path(__file__).resolve().parents[3]
COMMITTED = ROOT / "plugins/module_utils/host/resources.schema.json"
ROLES = sorted(ROOT.glob("roles/*/resources/main.yml"))


def test_the_committed_schema_is_current() -> None:
    assert json.loads(COMMITTED.read_text()) == json.loads(json.dumps(resources_schema()))


@pytest.mark.parametrize("path", ROLES, ids=lambda path: path.parents[1].name)
def test_our_roles_are_valid(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), resources_schema())


@pytest.mark.parametrize(
    "entry",
    [
        {"file": "/x", "contents": "a"},
        {"file": "x"},
        {"unit": "a.service", "enabled": "yes"},
        {"packages": "a"},
        {"artifact": "a"},
        {"shell": "rm -rf /"},
    ],
)
def test_wrong_entries_are_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate([entry], resources_schema())

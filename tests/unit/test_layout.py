"""Promises about the shape of the repository that no linter checks."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
LINK = ROOT / "collections/ansible_collections/biomax/platform"


def test_plain_clone_is_the_collection() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert (galaxy["namespace"], galaxy["name"]) == ("biomax", "platform")
    for name in ("plugins", "roles", "playbooks", "meta", "bundle"):
        assert (LINK / name).resolve() == ROOT / name

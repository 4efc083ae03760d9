"""Promises about the shape of the repository that no linter checks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import tomllib
import yaml

ROOT = Path(__file__).resolve().parents[2]
LINK = ROOT / "collections/ansible_collections/biomax/platform"


def test_plain_clone_is_the_collection() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert (galaxy["namespace"], galaxy["name"]) == ("biomax", "platform")
    for name in ("plugins", "roles", "playbooks", "meta", "bundle"):
        assert (LINK / name).resolve() == ROOT / name


def test_make_test_runs_every_test_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    paths = project["tool"]["pytest"]["ini_options"]["testpaths"]
    command = ["make", "--dry-run", "--directory", str(ROOT), "test"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    runs = [line for line in done.stdout.splitlines() if "-m pytest" in line]
    named = [word for line in runs for word in line.split() if word.startswith("tests/")]
    assert sorted(named) == sorted(paths)
    assert not [line for line in runs if "--" in line], "pytest does not ignore a path it was given"

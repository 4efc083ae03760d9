"""Two builds from clean caches in two places give the same sums, and a difference is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from lab.builder import reproducible
from lab.builder.catalogue import Catalogue
from lab.builder.context import Settings
from tests.support.bundle_inputs import document, write_checkout


def compared(root: Path, tmp_path: Path) -> list[reproducible.Comparison]:
    """Build the checkout at `root` twice."""
    catalogue = Catalogue.model_validate(document())
    settings = Settings(root, tmp_path / "unused", root / "keys", "amd64")
    scratch = tmp_path / "scratch"
    found = reproducible.check_reproducible(
        settings, catalogue, catalogue, Console(quiet=True), scratch
    )
    assert not list(scratch.iterdir())
    assert not (tmp_path / "unused").exists()
    return found


def test_two_clean_builds_are_equal(tmp_path: Path) -> None:
    write_checkout(tmp_path / "checkout")
    found = compared(tmp_path / "checkout", tmp_path)
    assert [item.label for item in found] == [
        "file hello 1.0.0",
        "file hello-archive 1.0.0",
        "image registry.example.com/team/hello:v1.0.0",
    ]
    assert all(item.same and item.first.startswith("sha256:") for item in found)


def test_a_difference_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_checkout(tmp_path / "checkout")
    sums = iter([{"file a 1": "sha256:1", "file b 1": "sha256:2"}, {"file a 1": "sha256:3"}])
    monkeypatch.setattr(reproducible, "_build", lambda *_: next(sums))
    found = compared(tmp_path / "checkout", tmp_path)
    assert found == [
        reproducible.Comparison("file a 1", "sha256:1", "sha256:3"),
        reproducible.Comparison("file b 1", "sha256:2", ""),
    ]
    assert not any(item.same for item in found)

"""What the tests of the bundle share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache that all tests share: the compiler's part takes most of a minute to fill."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / "go-build").mkdir()
    return cache

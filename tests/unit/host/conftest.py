"""Simulated hosts and a bundle for them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.host.bundles import Bundle, build
from tests.unit.host.simulated import SimulatedHost


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return a signed bundle with two versions of one program."""
    return build(tmp_path_factory.mktemp("bundle"), {"old": b"old tool", "new": b"new tool"})


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    """Return a directory in memory where there is one: thousands of fsync calls cost nothing."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def simulated(tmp_path: Path) -> SimulatedHost:
    """Return a bare simulated host."""
    return SimulatedHost(tmp_path / "host")

"""The garbage collector of the controller looks seldom, and not at what its workers inherit."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from ansible_collections.biomax.platform.plugins.callback.few_collections import CallbackModule


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Give the collector of this process back as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def test_looks_seldom() -> None:
    CallbackModule()
    assert gc.get_threshold()[0] >= 100_000


def test_workers_inherit_nothing_to_look_at() -> None:
    callback = CallbackModule()
    kept: list[list[int]] = [[] for _ in range(1000)]
    gc.unfreeze()
    callback.v2_playbook_on_play_start(None)
    assert gc.get_freeze_count() > len(kept)
    assert len(gc.get_objects()) < len(kept)

"""The module bundle_store: what each state does, in check mode and without."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.batches import write_batch
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Index
from ansible_collections.biomax.platform.plugins.module_utils.bundle.store import (
    Store,
    file_entries,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.modules.bundle_store import argument_spec, run

from tests.support.bundles import Signer, make_signer, write_bundle

BATCH = "batch-1.tar"


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return make_signer(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "controller"
    path.mkdir()
    return path


@pytest.fixture
def index(source: Path, signer: Signer) -> Index:
    return write_bundle(source, signer, {"files/a": b"first", "apt/b": b"second"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "srv" / "bundle", Hashes(tmp_path / "hashes.json"))


def call(store: Store, source: Path, signer: Signer, state: str, **more: Any) -> dict[str, Any]:
    check_mode = bool(more.pop("check_mode", False))
    params = {
        "path": str(store.path),
        "public_key": signer.public,
        "index_sha256": hashlib.sha256((source / "index.json").read_bytes()).hexdigest(),
        "index_dir": None,
        "state": state,
        "batch": None,
        **more,
    }
    assert set(params) == set(argument_spec())
    return run(params, store, check_mode)


def test_unknown_index_is_asked_for(
    store: Store, source: Path, signer: Signer, index: Index
) -> None:
    result = call(store, source, signer, "compared")
    assert result == {"changed": False, "known": False, "published": False}


def test_check_mode_compares_and_makes_nothing(
    store: Store, source: Path, signer: Signer, index: Index
) -> None:
    result = call(store, source, signer, "compared", index_dir=str(source), check_mode=True)
    assert (result["known"], len(result["missing"])) == (True, 2)
    assert result["missing_bytes"] == len(b"first") + len(b"second")
    assert not store.path.parent.exists()


def test_whole_way(store: Store, source: Path, signer: Signer, index: Index) -> None:
    call(store, source, signer, "compared", index_dir=str(source))
    write_batch(source, file_entries(index), store.upload / BATCH)
    taken = call(store, source, signer, "received", batch=BATCH)
    assert (taken["changed"], len(taken["taken"]), taken["published"]) == (True, 2, False)
    assert not (store.upload / BATCH).exists()
    placed = call(store, source, signer, "published")
    assert (placed["changed"], sorted(placed["staged"])) == (True, ["apt/b", "files/a"])
    again = call(store, source, signer, "compared")
    assert (again["published"], again["missing"], again["extra"]) == (True, [], [])
    assert not call(store, source, signer, "compared", check_mode=True)["changed"]


@pytest.mark.parametrize("state", ["received", "published"])
def test_batch_of_another_index_is_refused(
    store: Store, source: Path, signer: Signer, index: Index, state: str
) -> None:
    call(store, source, signer, "compared", index_dir=str(source))
    write_bundle(source, signer, {"files/c": b"third"})
    with pytest.raises(InputError, match="The bundle was built again meanwhile"):
        call(store, source, signer, state)


def test_upload_directory_belongs_to_who_logged_in(
    store: Store,
    source: Path,
    signer: Signer,
    index: Index,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owners: list[tuple[int, int]] = []
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setattr("os.chown", lambda _path, uid, gid: owners.append((uid, gid)))
    call(store, source, signer, "compared", index_dir=str(source))
    assert owners == [(1234, -1)]
    assert store.upload.stat().st_mode & 0o777 == 0o700

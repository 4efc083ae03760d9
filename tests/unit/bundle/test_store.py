"""The mirror's store: compare, take batches in, publish; cut anywhere and go on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.batches import (
    plan_batches,
    write_batch,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry, Index
from ansible_collections.biomax.platform.plugins.module_utils.bundle.store import (
    Store,
    file_entries,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    NotReadyError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes

from tests.support.bundles import Signer, make_signer, write_bundle

BATCH = "batch-1.tar"
FILES = {"files/a": b"first", "files/b": b"second", "apt/same": b"second"}


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return make_signer(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "controller"
    path.mkdir()
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "srv" / "bundle", Hashes(tmp_path / "hashes.json"))


def transfer(store: Store, source: Path, signer: Signer, limit: int = 1000) -> int:
    """Do what the action does and return how many files were sent."""
    store.prepare(source, signer.public, os.getuid())
    index = load_verified_index(store.incoming, signer.public)
    missing = store.compare(index).missing
    for batch in plan_batches(missing, limit):
        write_batch(source, batch, store.upload / BATCH)
        store.receive(index, store.upload / BATCH)
    store.publish(index, store.incoming)
    return len(missing)


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_copy_is_equal_and_equal_bytes_travel_once(
    store: Store, source: Path, signer: Signer
) -> None:
    write_bundle(source, signer, FILES, image_layer=b"layer")
    sent = transfer(store, source, signer)
    assert tree(store.path) == tree(source)
    assert sent == len({data for path, data in tree(source).items() if "index.json" not in path})
    assert sorted(p.name for p in store.path.parent.iterdir()) == ["bundle"]


def test_second_look_finds_nothing_and_reads_no_byte(
    store: Store, source: Path, signer: Signer
) -> None:
    index = write_bundle(source, signer, FILES)
    transfer(store, source, signer)
    before = store.sums.bytes_hashed  # type: ignore[attr-defined] # Hashes, behind its protocol
    found = store.compare(index)
    assert (found.missing, found.staged, found.extra) == ((), (), ())
    assert store.sums.bytes_hashed == before  # type: ignore[attr-defined] # as above


def test_new_release_sends_only_what_changed_and_removes_what_left(
    store: Store, source: Path, signer: Signer, tmp_path: Path
) -> None:
    write_bundle(source, signer, FILES)
    transfer(store, source, signer)
    newer = tmp_path / "newer"
    newer.mkdir()
    write_bundle(newer, signer, {"files/a": b"first", "files/c": b"third"})
    assert transfer(store, newer, signer) == 1
    assert tree(store.path) == tree(newer)
    assert not (store.path / "apt").exists()


def test_cut_transfer_goes_on(store: Store, source: Path, signer: Signer) -> None:
    index = write_bundle(source, signer, FILES)
    store.prepare(source, signer.public, os.getuid())
    first = next(plan_batches(store.compare(index).missing, 1))
    write_batch(source, first, store.upload / BATCH)
    store.receive(index, store.upload / BATCH)
    assert store.published_sum() == ""
    with pytest.raises(NotReadyError, match="1 files have not come"):
        store.publish(index, store.incoming)
    assert transfer(store, source, signer) == 1
    assert tree(store.path) == tree(source)


def test_cut_publish_goes_on(
    store: Store, source: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = write_bundle(source, signer, FILES)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _failing_after(4, Path.replace))
        with pytest.raises(KeyboardInterrupt):
            transfer(store, source, signer)
    assert store.compare(index).missing == ()
    assert transfer(store, source, signer) == 0
    assert tree(store.path) == tree(source)


def _failing_after(count: int, function):  # type: ignore[no-untyped-def] # wraps Path.replace
    calls = []

    def wrapped(*args):  # type: ignore[no-untyped-def] # same signature as what it wraps
        calls.append(args)
        if len(calls) > count:
            raise KeyboardInterrupt
        return function(*args)

    return wrapped


def test_flipped_byte_in_the_store_is_sent_again(
    store: Store, source: Path, signer: Signer
) -> None:
    write_bundle(source, signer, FILES)
    transfer(store, source, signer)
    (store.path / "files/a").write_bytes(b"firzt")
    assert transfer(store, source, signer) == 1
    assert (store.path / "files/a").read_bytes() == b"first"


def test_flipped_byte_on_the_way_is_refused(store: Store, source: Path, signer: Signer) -> None:
    index = write_bundle(source, signer, FILES)
    (source / "files/a").write_bytes(b"firzt")
    with pytest.raises(IntegrityError, match=r"files/a.*expected sha256:"):
        transfer(store, source, signer)
    assert not (store.path / "files/a").exists()
    assert "files/a" in {entry.path for entry in store.compare(index).missing}


def test_unknown_member_is_refused(store: Store, source: Path, signer: Signer) -> None:
    index = write_bundle(source, signer, FILES)
    store.prepare(source, signer.public, os.getuid())
    (source / "foreign").write_bytes(b"x")
    foreign = Entry("manifest", "foreign", "foreign", 1, sha256="0" * 64)
    write_batch(source, [foreign], store.upload / BATCH)
    with pytest.raises(IntegrityError, match="is no file of the signed index"):
        store.receive(index, store.upload / BATCH)


def test_cut_upload_is_refused(store: Store, source: Path, signer: Signer) -> None:
    index = write_bundle(source, signer, {"files/a": b"x" * 4000})
    store.prepare(source, signer.public, os.getuid())
    batch = store.upload / BATCH
    write_batch(source, file_entries(index), batch)
    batch.write_bytes(batch.read_bytes()[:1500])
    with pytest.raises(IntegrityError, match=r"run the transfer again|Transfer the bundle again"):
        store.receive(index, batch)
    assert store.compare(index).missing == file_entries(index)


def test_foreign_signature_prepares_nothing(
    store: Store, source: Path, signer: Signer, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_bundle(source, make_signer(other), FILES)
    with pytest.raises(IntegrityError, match="does not hold"):
        store.prepare(source, signer.public, os.getuid())
    assert not store.path.exists()


def test_file_missing_on_the_controller_is_named(source: Path, signer: Signer) -> None:
    index: Index = write_bundle(source, signer, FILES)
    (source / "files/b").unlink()
    with pytest.raises(IntegrityError, match="files/b should have 6 bytes and there is no file"):
        write_batch(source, file_entries(index), source / "batch.tar")


@pytest.mark.parametrize(
    ("sizes", "limit", "batches"),
    [([], 10, []), ([4, 4, 4], 8, [[4, 4], [4]]), ([20, 1], 8, [[20], [1]]), ([8], 8, [[8]])],
)
def test_batches(sizes: list[int], limit: int, batches: list[list[int]]) -> None:
    entries = [
        Entry("manifest", str(number), str(number), size, sha256="0" * 64)
        for number, size in enumerate(sizes)
    ]
    found = [[entry.size for entry in batch] for batch in plan_batches(entries, limit)]
    assert found == batches

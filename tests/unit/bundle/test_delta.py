"""Deltas: applied to the base they give exactly the new bundle; anything else changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    Index,
    load_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)

from lab.builder.delta import compare, export_delta, import_delta
from tests.support.bundles import Signer, make_signer, write_bundle

ROOT = Path(__file__).resolve().parents[3]
OLD = {"files/a/1/a": b"a" * 1000, "files/b/1/b": b"b" * 2000, "files/c/1/c": b"c"}
NEW = {"files/a/1/a": b"A" * 1000, "files/b/2/b": b"b" * 2000, "files/d/1/d": b"d" * 50}


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return make_signer(tmp_path_factory.mktemp("key"))


def bundle(directory: Path, signer: Signer, files: dict[str, bytes], layer: bytes) -> Path:
    directory.mkdir()
    write_bundle(directory, signer, files, image_layer=layer)
    return directory


def index_of(directory: Path) -> Index:
    return load_index((directory / "index.json").read_bytes())


def content(directory: Path) -> dict[str, bytes]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


class Pair:
    """Two bundles and the delta between them."""

    def __init__(self, root: Path, signer: Signer) -> None:
        self.signer = signer
        self.old = bundle(root / "old", signer, OLD, b"layer one")
        self.new = bundle(root / "new", signer, NEW, b"layer two")
        self.delta = root / "delta.tar"
        self.export(self.old)

    def export(self, base: Path) -> int:
        data = (base / "index.json").read_bytes()
        return export_delta(data, load_index(data), self.new, index_of(self.new), self.delta)

    def apply(self) -> Index:
        return import_delta(self.old, self.delta, self.signer.public)


@pytest.fixture
def pair(tmp_path: Path, signer: Signer) -> Pair:
    return Pair(tmp_path, signer)


def test_the_difference_is_told_by_what_changed(pair: Pair) -> None:
    found = compare(index_of(pair.old), index_of(pair.new))
    assert [entry.name for entry in found.new if entry.kind == "manifest"] == [
        "files/b/2/b",
        "files/d/1/d",
    ]
    assert [new.label for _, new in found.changed] == [
        "registry.example.com/team/probe:1.0",
        "files/a/1/a",
    ]
    assert {entry.name for entry in found.gone} >= {"files/b/1/b", "files/c/1/c"}
    names = {entry.path for entry in found.sent if entry.kind == "manifest"}
    assert names == {"files/a/1/a", "files/d/1/d"}  # b moved: its bytes are there
    assert compare(index_of(pair.new), index_of(pair.new)).sent == ()


def test_applied_it_gives_exactly_the_new_bundle(pair: Pair) -> None:
    assert pair.apply() == index_of(pair.new)
    assert content(pair.old) == content(pair.new)
    assert sorted(path.name for path in pair.old.parent.iterdir()) == ["delta.tar", "new", "old"]


def test_it_is_small(pair: Pair) -> None:
    whole = sum(len(data) for data in content(pair.new).values())
    carried = compare(index_of(pair.old), index_of(pair.new)).size
    assert carried < whole / 2


def test_another_base_is_refused(pair: Pair, tmp_path: Path) -> None:
    pair.old = bundle(tmp_path / "third", pair.signer, {"files/z/1/z": b"z"}, b"layer one")
    before = content(pair.old)
    with pytest.raises(InputError, match="starts from the bundle whose index"):
        pair.apply()
    assert content(pair.old) == before


def test_a_foreign_signature_is_refused(pair: Pair, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    make_signer(other).sign(pair.new)
    pair.export(pair.old)
    before = content(pair.old)
    with pytest.raises(IntegrityError, match="does not hold"):
        pair.apply()
    assert content(pair.old) == before


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_delta_that_was_cut_changes_nothing(pair: Pair, kept: float) -> None:
    data = pair.delta.read_bytes()
    pair.delta.write_bytes(data[: int(len(data.rstrip(b"\0")) * kept)])
    before = content(pair.old)
    with pytest.raises(IntegrityError, match="cut or altered"):
        pair.apply()
    assert content(pair.old) == before


def test_a_flipped_bit_changes_nothing(pair: Pair) -> None:
    data = pair.delta.read_bytes()
    pair.delta.write_bytes(data.replace(b"A" * 1000, b"A" * 999 + b"B"))
    before = content(pair.old)
    with pytest.raises(IntegrityError, match="have other sums than the signed index"):
        pair.apply()
    assert content(pair.old) == before


def test_a_damaged_base_is_told(pair: Pair) -> None:
    (pair.old / "files/b/1/b").write_bytes(b"x" * 2000)
    with pytest.raises(IntegrityError, match="files/b/1/b"):
        pair.apply()
    assert index_of(pair.old).entries != index_of(pair.new).entries


def test_killed_anywhere_there_is_the_old_or_the_new_bundle(pair: Pair) -> None:
    old, new = content(pair.old), content(pair.new)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from lab.builder import assemble\n"
        "from lab.builder.delta import import_delta\n"
        "step = int(sys.argv[4])\n"
        "def stop(event, args):\n"
        "    global step\n"
        "    if event in ('os.rename', 'os.link', 'shutil.rmtree'):\n"
        "        step -= 1\n"
        "        if step == 0: os.kill(os.getpid(), 9)\n"
        "sys.addaudithook(stop)\n"
        "import_delta(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])\n"
    )
    ends = []
    for step in range(1, 40):
        paths = [str(pair.old), str(pair.delta)]
        command = [sys.executable, "-c", code, *paths, pair.signer.public, str(step)]
        path = f"{ROOT / 'collections'}:{ROOT}"
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        place = pair.old if pair.old.exists() else pair.old.with_name("old.old")
        ends.append(content(place) == new)
        assert ends[-1] or content(place) == old
        if ends[-1]:
            break
    assert ends.count(False) >= 8
    if not ends[-1]:
        assert content(pair.old) == new

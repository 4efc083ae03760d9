"""A bundle on disk against its index: one flipped bit, one file too many or too few is found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
    sha256_file,
    verify_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)

from lab.builder.check import check_bundle
from tests.support.bundles import Signer, make_signer, write_bundle

FILES = {"manifests/a.yml": b"a: 1\n", "manifests/deep/b.yml": b"b: 2\n", "manifests/empty": b""}


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Return a key pair."""
    return make_signer(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def bundle(tmp_path: Path, signer: Signer) -> Path:
    """Return a signed bundle of three files."""
    directory = tmp_path / "bundle"
    directory.mkdir()
    write_bundle(directory, signer, FILES)
    return directory


def problems(bundle: Path, signer: Signer) -> list[str]:
    """Return what the check says is wrong."""
    return check_bundle(bundle, signer.public, lambda _: None)[1]


def test_a_whole_bundle_is_good(bundle: Path, signer: Signer) -> None:
    seen: list[Entry] = []
    index, wrong = check_bundle(bundle, signer.public, seen.append)
    assert wrong == []
    assert [entry.path for entry in seen] == sorted(FILES) == [e.path for e in index.entries]


@pytest.mark.parametrize("name", [name for name, content in FILES.items() if content])
@pytest.mark.parametrize("bit", range(0, 40, 3))
def test_one_flipped_bit_in_a_file_is_found(
    bundle: Path, signer: Signer, name: str, bit: int
) -> None:
    content = bytearray(FILES[name])
    content[bit // 8] ^= 1 << bit % 8
    (bundle / name).write_bytes(content)
    (wrong,) = problems(bundle, signer)
    assert f"{bundle / name} is not what the signed index lists" in wrong
    assert f"found sha256:{sha256_file(bundle / name)}" in wrong
    assert "Transfer the bundle again" in wrong


def test_a_shorter_file_is_named_with_both_sizes(bundle: Path, signer: Signer) -> None:
    (bundle / "manifests/a.yml").write_bytes(b"a")
    (wrong,) = problems(bundle, signer)
    assert "expected 5 bytes, found 1 bytes" in wrong


def test_missing_and_unlisted_files_are_all_named(bundle: Path, signer: Signer) -> None:
    (bundle / "manifests/a.yml").unlink()
    (bundle / "manifests/more.yml").write_text("x")
    os.mkfifo(bundle / "pipe")
    wrong = "\n".join(problems(bundle, signer))
    assert "a.yml: No such file" in wrong
    assert "more.yml is not in the signed index" in wrong
    assert "pipe is not in the signed index" in wrong


def test_links_are_refused_even_to_equal_bytes(bundle: Path, signer: Signer) -> None:
    (bundle / "manifests/deep").rename(bundle.parent / "deep")
    (bundle / "manifests/deep").symlink_to(bundle.parent / "deep")
    wrong = "\n".join(problems(bundle, signer))
    assert "b.yml is, or lies below, a symbolic link" in wrong


def test_images_without_a_layout_are_a_finding(tmp_path: Path, signer: Signer) -> None:
    write_bundle(tmp_path, signer, {}, b"layer")
    (wrong,) = problems(tmp_path, signer)
    assert "images/index.json is no OCI layout index" in wrong


def test_an_image_that_the_layout_does_not_name_is_a_finding(
    tmp_path: Path, signer: Signer
) -> None:
    layout = b'{"manifests": []}'
    index = write_bundle(tmp_path, signer, {"images/index.json": layout}, b"layer")
    (wrong,) = problems(tmp_path, signer)
    assert f"lists {index.of_kind('image')[0].label} as sha256:" in wrong
    assert "has nothing" in wrong


def test_an_unsigned_bundle_is_not_read(bundle: Path, signer: Signer) -> None:
    (bundle / "index.json.sig").unlink()
    with pytest.raises(InputError, match="an interrupted build has none"):
        load_verified_index(bundle, signer.public)


def test_a_changed_index_is_refused_before_any_file(bundle: Path, signer: Signer) -> None:
    text = (bundle / "index.json").read_text()
    (bundle / "index.json").write_text(text.replace('"size": 5', '"size": 6', 1))
    with pytest.raises(IntegrityError, match="does not hold"):
        problems(bundle, signer)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    entry = Entry("file", "a", "a", tmp_path.stat().st_size, sha256="0" * 64)
    with pytest.raises(IntegrityError, match="Is a directory"):
        verify_file(tmp_path, entry)

"""Whole builds of a tiny Go program: cached, cut, damaged, repeated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Index
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
    UnsafeError,
)

from lab.builder.cache import KEEP_SECONDS, SUMS, Cache
from lab.builder.catalogue import Catalogue
from lab.builder.check import check_bundle
from tests.support.bundle_inputs import build, document, write_checkout

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout of its own."""
    write_checkout(tmp_path / "checkout")
    return tmp_path / "checkout"


def checked(checkout: Path, output: Path) -> Index:
    """Return the index of the bundle at `output`, which must be good."""
    public = (checkout / "keys" / "bundle_signing.pub").read_text()
    index, problems = check_bundle(output, public, lambda _: None)
    assert problems == []
    return index


def test_a_build_gives_what_the_catalogue_lists(
    checkout: Path, cache: Path, tmp_path: Path
) -> None:
    output = tmp_path / "bundle"
    assert build(checkout, cache, output).changed
    index = checked(checkout, output)
    program = index.file("hello")
    ran = subprocess.run([output / program.path], capture_output=True, text=True, check=True)
    assert ran.stderr == "hello 1.0.0\n"
    archive = index.file("hello-archive")
    assert archive.install == {"type": "archive", "members": {"bin/hello": "hello"}}
    assert archive.member_sha256 == {"hello": program.sha256}
    with tarfile.open(output / archive.path) as tar:
        assert tar.getmember("bin/hello").mode == 0o755
    image = index.image("registry.example.com/team/hello", "v1.0.0")
    manifest = json.loads((output / "images/blobs/sha256" / image.digest[7:]).read_bytes())
    assert image.size == sum(
        (output / "images/blobs/sha256" / digest[7:]).stat().st_size
        for digest in (image.digest, manifest["config"]["digest"], manifest["layers"][0]["digest"])
    )


def test_nothing_changed_means_nothing_is_done(checkout: Path, cache: Path, tmp_path: Path) -> None:
    output = tmp_path / "bundle"
    build(checkout, cache, output)
    inode = output.stat().st_ino
    again = build(checkout, cache, output)
    assert not again.changed
    assert again.reused == again.steps - 1  # all but the step that looks at the bundle
    assert output.stat().st_ino == inode


def test_a_changed_source_is_compiled_and_the_old_file_leaves(
    checkout: Path, cache: Path, tmp_path: Path
) -> None:
    output = tmp_path / "bundle"
    build(checkout, cache, output)
    before = checked(checkout, output)
    write_checkout(checkout, "good day")
    assert build(checkout, cache, output).changed
    after = checked(checkout, output)
    assert before.file("hello").sha256 != after.file("hello").sha256
    assert len(before.entries) == len(after.entries)


def test_the_place_of_the_checkout_does_not_reach_the_bytes(cache: Path, tmp_path: Path) -> None:
    digests = []
    for name in ("one", "another/place"):
        root = tmp_path / name
        write_checkout(root)
        Cache(cache).drop(cache / "program")  # compile again, with the compiler's own cache
        build(root, cache, tmp_path / "bundle")
        index = checked(root, tmp_path / "bundle")
        digests.append([entry.sha256 or entry.digest for entry in index.entries])
    assert digests[0] == digests[1]


def test_a_touched_bundle_is_published_again(checkout: Path, cache: Path, tmp_path: Path) -> None:
    output = tmp_path / "bundle"
    build(checkout, cache, output)
    path = output / checked(checkout, output).file("hello").path
    path.unlink()
    path.write_bytes(b"something else")
    assert build(checkout, cache, output).changed
    checked(checkout, output)


def test_a_flipped_bit_in_bundle_and_cache_is_built_again(
    checkout: Path, cache: Path, tmp_path: Path
) -> None:
    output = tmp_path / "bundle"
    build(checkout, cache, output)
    good = checked(checkout, output).file("hello")
    with (output / good.path).open("r+b") as stream:  # the cache's file too: it is a hard link
        first = stream.read(1)[0]
        stream.seek(0)
        stream.write(bytes([first ^ 1]))
    assert build(checkout, cache, output).changed
    assert checked(checkout, output).file("hello").sha256 == good.sha256


def test_a_build_killed_anywhere_leaves_no_bad_bundle_and_goes_on(
    checkout: Path, cache: Path, tmp_path: Path
) -> None:
    output, own = tmp_path / "bundle", tmp_path / "cache"
    own.mkdir()
    (own / "go-build").symlink_to(cache / "go-build")
    command = [sys.executable, "-m", "tests.support.bundle_inputs"]
    command += [str(checkout), str(own), str(output)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "collections"), str(ROOT)]),
    }
    subprocess.run(command, check=True, env=environment, cwd=ROOT)  # warms the compiler's cache
    write_checkout(checkout, "hello 0")
    started = time.monotonic()
    subprocess.run(command, check=True, env=environment, cwd=ROOT)
    whole = time.monotonic() - started
    killed = 0
    for part in range(1, 11):
        write_checkout(checkout, f"hello {part}")
        with subprocess.Popen(
            command, env=environment, cwd=ROOT, start_new_session=True
        ) as process:
            try:
                process.wait(whole * part / 11)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                killed += 1
        if output.exists():
            checked(checkout, output)
    assert killed >= 5
    build(checkout, own, output)
    checked(checkout, output)
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", "cache", "checkout"}
    assert not list((own / "tmp").glob("*"))


def test_a_directory_that_is_no_bundle_is_left_alone(
    checkout: Path, cache: Path, tmp_path: Path
) -> None:
    output = tmp_path / "home"
    output.mkdir()
    (output / "letter.txt").write_text("dear")
    with pytest.raises(UnsafeError, match="holds no bundle"):
        build(checkout, cache, output)
    assert (output / "letter.txt").read_text() == "dear"


def test_what_no_build_used_for_long_leaves_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    used = cache.make("program", "used", lambda work: (work / "a").touch())
    unused = cache.make("program", "unused", lambda work: (work / "a").touch())
    later = time.time() + KEEP_SECONDS + 60
    os.utime(used / SUMS, (later, later))
    assert cache.prune(later) == [unused]
    assert cache.find("program", "used") == used
    assert cache.find("program", "unused") is None


def test_two_builds_at_once_are_refused(checkout: Path, cache: Path, tmp_path: Path) -> None:
    with Cache(cache).lock(), pytest.raises(UnsafeError, match=f"process {os.getpid()}"):
        build(checkout, cache, tmp_path / "bundle")


def test_a_compiler_error_is_shown(checkout: Path, cache: Path, tmp_path: Path) -> None:
    (checkout / "programs/cmd/hello/main.go").write_text("package main\n\nfunc main() { oops() }\n")
    with pytest.raises(PlatformError, match="undefined: oops"):
        build(checkout, cache, tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_missing_keys_are_named(checkout: Path, cache: Path, tmp_path: Path) -> None:
    (checkout / "keys" / "bundle_signing").unlink()
    with pytest.raises(InputError, match="lab/bundle keys"):
        build(checkout, cache, tmp_path / "bundle")


def test_a_part_of_the_catalogue_can_be_built() -> None:
    catalogue = Catalogue.model_validate(document())
    part = catalogue.only({"hello-archive"})
    assert [item.name for item in part.made()] == ["hello-archive"]
    assert [item.name for item in catalogue.only({"hello"}).made()] == [
        item.name for item in catalogue.made()
    ]
    with pytest.raises(InputError, match="--only nothing: the catalogue has hello"):
        catalogue.only({"nothing"})

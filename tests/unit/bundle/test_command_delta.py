"""`lab/bundle diff`, `export` and `import`: messages and exit codes, bad input included."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.bundles import Signer, make_signer, write_bundle
from tests.support.checkout import bundle_command

OLD = {"manifests/web/1/a.yml": b"a: 1\n" * 100, "manifests/db/1/a.yml": b"b: 1\n"}
NEW = {"manifests/web/1/a.yml": b"a: 2\n" * 100, "manifests/dns/1/a.yml": b"c: 1\n"}


@dataclass
class Pair:
    """Two bundles signed by one key, and where a delta goes."""

    old: Path
    new: Path
    signer: Signer
    delta: Path

    @property
    def key(self) -> tuple[str, str]:
        """Return the option that names the key."""
        return ("--public-key", f"{self.signer.private}.pub")

    def export(self) -> None:
        """Write the delta."""
        options = ("--since", self.old, "--output", self.delta, "--bundle", self.new)
        done = bundle_command("export", *options, *self.key)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"{self.delta}: ")
        assert done.stdout.endswith(f"KiB, applies to the bundle of {self.old}\n")

    def refused(self, *arguments: object) -> str:
        """Run a command that must end with one message and leave both bundles as they are."""
        before = self.content()
        done = bundle_command(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr
        assert self.content() == before
        return done.stderr

    def content(self) -> dict[Path, bytes]:
        """Return every file of both bundles."""
        files = [path for top in (self.old, self.new) for path in top.rglob("*") if path.is_file()]
        return {path: path.read_bytes() for path in files}


def changes() -> str:
    """Return what `diff` prints of the two bundles."""
    return (
        "new      manifest dns 1\n"
        "changed  manifest web 1\n"
        "gone     manifest db 1\n"
        "1 new, 1 changed, 1 gone; 2 files, 505 B to transfer\n"
    )


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    signer = make_signer(tmp_path)
    for name, files in (("old", OLD), ("new", NEW)):
        write_bundle(tmp_path / name, signer, files)
    return Pair(tmp_path / "old", tmp_path / "new", signer, tmp_path / "delta.tar")


def test_diff_tells_what_changed_of_bundles_and_of_indexes(pair: Pair) -> None:
    for old, new in ((pair.old, pair.new), (pair.old / "index.json", pair.new / "index.json")):
        done = bundle_command("diff", old, new)
        assert (done.returncode, done.stdout, done.stderr) == (0, changes(), "")


def test_diff_of_a_bundle_with_itself_is_empty(pair: Pair) -> None:
    done = bundle_command("diff", pair.new, pair.new)
    nothing = "0 new, 0 changed, 0 gone; 0 files, 0 B to transfer\n"
    assert (done.returncode, done.stdout) == (0, nothing)


def test_diff_of_nothing_names_it(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no index")
    absent = pair.refused("diff", pair.old, tmp_path / "absent")
    assert f"Reading {tmp_path}/absent: No such file or directory" in absent
    assert "Reading the bundle index: not JSON" in pair.refused("diff", tmp_path / "text", pair.new)


def test_a_missing_argument_is_a_usage_error() -> None:
    done = bundle_command("diff", "one")
    assert done.returncode == 2
    assert "Missing" in done.stderr


def test_export_and_import_make_the_new_bundle(pair: Pair) -> None:
    pair.export()
    done = bundle_command("import", pair.delta, "--bundle", pair.old, *pair.key)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{pair.old}: 2 entries, as signed\n"
    assert bundle_command("verify", "--bundle", pair.old, *pair.key).returncode == 0
    assert bundle_command("diff", pair.old, pair.new).stdout.startswith("0 new, 0 changed, 0 gone")


def test_export_of_a_bundle_that_lacks_a_file_leaves_no_delta(pair: Pair) -> None:
    (pair.new / "manifests/dns/1/a.yml").unlink()
    options = ("--since", pair.old, "--output", pair.delta, "--bundle", pair.new)
    said = pair.refused("export", *options, *pair.key)
    assert "manifests/dns/1/a.yml" in said
    assert not list(pair.delta.parent.glob("delta.tar*"))


def test_export_into_a_directory_that_is_not_there_says_so(pair: Pair, tmp_path: Path) -> None:
    output = tmp_path / "nowhere" / "delta.tar"
    options = ("--since", pair.old, "--output", output, "--bundle", pair.new)
    said = pair.refused("export", *options, *pair.key)
    assert f"{output}" in said
    assert "No such file or directory" in said


def test_export_needs_the_key_and_a_base(pair: Pair, tmp_path: Path) -> None:
    options = ("--output", pair.delta, "--bundle", pair.new)
    assert "lab/bundle keys" in pair.refused(
        "export", "--since", pair.old, *options, "--keys", tmp_path
    )
    said = pair.refused("export", "--since", tmp_path / "absent", *options, *pair.key)
    assert "Give a bundle or its index" in said


def test_import_of_a_changed_delta_is_refused(pair: Pair) -> None:
    pair.export()
    pair.delta.write_bytes(pair.delta.read_bytes().replace(b"a: 2\n" * 9, b"a: 3\n" * 9))
    said = pair.refused("import", pair.delta, "--bundle", pair.old, *pair.key)
    assert "have other sums than the signed index" in said


def test_import_of_a_cut_delta_is_refused(pair: Pair) -> None:
    pair.export()
    pair.delta.write_bytes(pair.delta.read_bytes()[:3000])
    said = pair.refused("import", pair.delta, "--bundle", pair.old, *pair.key)
    assert "Transfer the delta again" in said


def test_import_of_what_is_no_delta_is_refused(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive at all\n" * 100)
    said = pair.refused("import", tmp_path / "text", "--bundle", pair.old, *pair.key)
    assert f"Reading {tmp_path}/text" in said
    absent = pair.refused("import", tmp_path / "absent", "--bundle", pair.old, *pair.key)
    assert f"Reading {tmp_path}/absent: No such file or directory. Give the file" in absent


def test_import_with_another_key_is_refused(pair: Pair, tmp_path: Path) -> None:
    pair.export()
    (tmp_path / "other").mkdir()
    other = make_signer(tmp_path / "other")
    key = ("--public-key", f"{other.private}.pub")
    assert "does not hold" in pair.refused("import", pair.delta, "--bundle", pair.old, *key)


def test_import_to_another_base_is_refused(pair: Pair, tmp_path: Path) -> None:
    pair.export()
    shutil.copytree(pair.new, tmp_path / "third")
    said = pair.refused("import", pair.delta, "--bundle", tmp_path / "third", *pair.key)
    assert "starts from the bundle whose index.json has the sum" in said


def test_import_without_a_bundle_is_refused(pair: Pair, tmp_path: Path) -> None:
    pair.export()
    said = pair.refused("import", pair.delta, "--bundle", tmp_path / "absent", *pair.key)
    assert f"Reading the bundle in {tmp_path}/absent" in said

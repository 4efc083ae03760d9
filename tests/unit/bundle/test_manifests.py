"""Manifests of compiled modules: taken from the very module that go.sum vouches for."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

from lab.builder.artifacts import Program
from lab.builder.catalogue import Catalogue
from lab.builder.go import Toolchain
from tests.support.bundle_inputs import build, document, write_checkout

MODULE = "example.com/operator"
TEXT = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: operator}\n"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program whose module comes from a module proxy in a directory."""
    versions = tmp_path / "proxy" / MODULE / "@v"
    versions.mkdir(parents=True)
    (versions / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (versions / "v1.0.0.mod").write_text(f"module {MODULE}\n")
    with zipfile.ZipFile(versions / "v1.0.0.zip", "w") as archive:
        archive.writestr(f"{MODULE}@v1.0.0/go.mod", f"module {MODULE}\n")
        archive.writestr(f"{MODULE}@v1.0.0/main.go", "package main\n\nfunc main() {}\n")
        archive.writestr(f"{MODULE}@v1.0.0/deploy/all.yaml", TEXT)
    for name, value in {
        "GOPROXY": f"file://{tmp_path / 'proxy'}",
        "GOSUMDB": "off",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GOFLAGS": "-modcacherw",
    }.items():
        monkeypatch.setenv(name, value)
    consumer = tmp_path / "consumer"
    consumer.mkdir()
    (consumer / "go.mod").write_text("module example.com/consumer\n\ngo 1.26.0\n")
    command = ["go", "get", "-tool", f"{MODULE}@v1.0.0"]
    subprocess.run(command, cwd=consumer, check=True, capture_output=True)
    return Program(
        name="operator",
        version="1.0.0",
        licence="MIT",
        module=f"{MODULE}@v1.0.0",
        directory="consumer",
        binaries={"operator": MODULE},
    )


def take(tmp_path: Path, program: Program, path: str = "deploy/all.yaml") -> bytes:
    """Return the file as the builder takes it."""
    Toolchain("amd64", tmp_path / "go-build").module_file(tmp_path, program, path, tmp_path / "out")
    return (tmp_path / "out").read_bytes()


def test_a_file_of_the_module_is_taken(tmp_path: Path, program: Program) -> None:
    assert take(tmp_path, program) == TEXT


def test_a_file_that_is_not_there_is_named(tmp_path: Path, program: Program) -> None:
    with pytest.raises(PlatformError, match=r"has no file deploy/none\.yaml"):
        take(tmp_path, program, "deploy/none.yaml")


def test_a_module_that_is_not_what_go_sum_says_is_refused(tmp_path: Path, program: Program) -> None:
    sums = tmp_path / "consumer" / "go.sum"
    lines = sums.read_text().splitlines(keepends=True)
    changed = [line if "/go.mod" in line else line[:-5] + "AAA=\n" for line in lines]
    assert changed != lines
    sums.write_text("".join(changed))
    with pytest.raises(PlatformError, match="checksum mismatch"):
        take(tmp_path, program)


def test_a_file_that_was_edited_on_this_machine_is_refused(
    tmp_path: Path, program: Program
) -> None:
    take(tmp_path, program)
    edited = tmp_path / "modules" / f"{MODULE}@v1.0.0" / "deploy" / "all.yaml"
    edited.chmod(0o644)
    edited.write_bytes(TEXT + b"# edited\n")
    with pytest.raises(PlatformError, match="has been modified"):
        take(tmp_path, program)


def test_a_manifest_is_a_signed_entry_of_the_bundle(tmp_path: Path) -> None:
    write_checkout(tmp_path / "checkout")
    (tmp_path / "checkout/programs/deploy.yaml").write_bytes(TEXT)
    manifest = {
        "name": "hello",
        "version": "1.0.0",
        "licence": "MIT",
        "program": "hello",
        "path": "deploy.yaml",
        "used_by": ["a"],
    }
    only_upstream = {
        "name": "other",
        "version": "2.0.0",
        "licence": "MIT",
        "used_by": ["a"],
        "upstream": {"url": "https://example.com/other.yaml"},
    }
    parts = {"files": [], "images": [], "manifests": [manifest, only_upstream]}
    catalogue = Catalogue.model_validate({**document(), **parts})
    output = tmp_path / "bundle"
    build(tmp_path / "checkout", tmp_path / "cache", output, catalogue)
    assert (output / "manifests/hello/1.0.0/deploy.yaml").read_bytes() == TEXT
    assert '"manifests/hello/1.0.0/deploy.yaml"' in (output / "index.json").read_text()
    assert "other" not in (output / "index.json").read_text()
    again = build(tmp_path / "checkout", tmp_path / "cache", output, catalogue)
    assert not again.changed

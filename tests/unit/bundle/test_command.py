"""The command line: what a person sees, and the exit code a script sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from lab.builder.progress import Progress, human_size
from tests.support.bundles import Signer, make_signer, write_bundle
from tests.support.checkout import bundle_command


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Return a key pair."""
    return make_signer(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def made(tmp_path: Path, signer: Signer) -> tuple[Path, Path]:
    """Return a bundle of one file, and the file with the key that signed it."""
    write_bundle(tmp_path, signer, {"manifests/a.yml": b"a: 1\n"})
    return tmp_path, signer.private.with_suffix(".pub")


def test_a_good_bundle_is_called_good(made: tuple[Path, Path]) -> None:
    bundle, key = made
    result = bundle_command("verify", "--bundle", bundle, "--public-key", key)
    assert (result.returncode, result.stderr) == (0, "")
    assert "good; " in result.stdout


def test_everything_wrong_is_printed_and_the_exit_code_says_so(made: tuple[Path, Path]) -> None:
    bundle, key = made
    (bundle / "manifests/a.yml").write_bytes(b"a: 2\n")
    (bundle / "more").write_text("x")
    result = bundle_command("verify", "--bundle", bundle, "--public-key", key)
    assert result.returncode == 1
    assert result.stdout.count("WRONG") == 2
    assert "2 problems" in result.stdout


def test_a_missing_bundle_is_one_message_without_a_traceback(
    tmp_path: Path, signer: Signer
) -> None:
    key = signer.private.with_suffix(".pub")
    result = bundle_command("verify", "--bundle", tmp_path, "--public-key", key)
    assert result.returncode == 1
    assert result.stderr.startswith("error: Reading the bundle in ")
    assert "Traceback" not in result.stderr


def test_a_missing_key_says_how_to_get_one(tmp_path: Path) -> None:
    result = bundle_command("list", "--keys", tmp_path)
    assert result.returncode == 1
    assert "lab/bundle keys" in result.stderr


def test_the_list_is_a_table_or_json(tmp_path: Path, signer: Signer) -> None:
    write_bundle(tmp_path, signer, {"manifests/web/1.0.0/a.yaml": b"a: 1\n"}, b"layer")
    key = signer.private.with_suffix(".pub")
    arguments = ("list", "--bundle", tmp_path, "--public-key", key)
    table = bundle_command(*arguments).stdout
    document = json.loads(bundle_command(*arguments, "--json").stdout)
    assert [entry["kind"] for entry in document] == ["image", "manifest"]
    assert document[0]["name"] in table
    assert table.splitlines()[0].split() == [
        *("kind", "name", "version", "size", "licence", "source")
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "kubelet"], "give --output too"),
        (["--only", "nothing", "--output", "/tmp/x"], "--only nothing: the catalogue has"),
        (["--arch", "vax"], "--arch vax: wanted one of amd64, arm64"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_built(
    arguments: list[str], message: str
) -> None:
    result = bundle_command("build", *arguments)
    assert result.returncode == 1
    assert message in result.stderr


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (2**40, "1024.0 GiB"),
    ],
)
def test_sizes_are_readable(size: int, text: str) -> None:
    assert human_size(size) == text


@settings(deadline=None)  # the machine may be busy
@given(st.integers(0, 2**50))
def test_every_size_has_a_unit(size: int) -> None:
    number, unit = human_size(size).split(" ")
    assert float(number) >= 0
    assert unit in {"B", "KiB", "MiB", "GiB"}


def test_plain_output_has_a_line_for_each_step_with_its_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress(Console(width=200))
    progress.add(2)
    progress.reuse()
    with progress.step("compile [kubelet]"):
        pass
    assert capsys.readouterr().out.startswith("(2/2) compile [kubelet]  0 s")

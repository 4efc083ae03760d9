"""bundle_transfer to a real host: predict, send, again, cut, damage, no space."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import Signer, make_signer, write_bundle
from tests.support.site import on_host, run_playbook

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("formed")]

HOST = "mirror1"
TARGET = "/srv/transfer-test"
PLAYBOOK = "tests/integration/mirror/transfer.yml"
MIB = 1024 * 1024
FILES = {
    "files/large": b"L" * (MIB + 1),
    "files/small": b"s",
    "apt/dists/Release": b"r" * 1000,
    "apt/dists/same": b"r" * 1000,
}


@dataclass
class Mirror:
    """A bundle on the controller and a directory on the host that it goes to."""

    source: Path
    signer: Signer
    target: str = TARGET
    message: str = field(default="", init=False)

    def transfer(self, *options: str) -> dict[str, Any]:
        """Run one transfer; its printed text is kept in `message`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "result.json"
            variables = {
                "probe_source": str(self.source),
                "probe_target": self.target,
                "probe_public_key": self.signer.public,
                "probe_result_file": str(path),
            }
            run_playbook(PLAYBOOK, "-e", json.dumps(variables), *options, timeout=300)
            result: dict[str, Any] = json.loads(path.read_text())
        self.message = str(result.get("msg", ""))
        return result

    def sums(self) -> dict[str, str]:
        """Return the sum of each file in the bundle on the host, by path."""
        listing = on_host(
            HOST,
            f"cd {self.target}/bundle 2>/dev/null && find . -type f | xargs -r sha256sum || true",
        )
        rows = [line.split() for line in listing.splitlines() if line.strip()]
        return {path.removeprefix("./"): digest for digest, path in rows}


@pytest.fixture
def mirror(formed: str, tmp_path: Path) -> Iterator[Mirror]:
    source = tmp_path / "bundle"
    source.mkdir()
    signer = make_signer(tmp_path)
    write_bundle(source, signer, FILES, image_layer=b"layer")
    on_host(HOST, f"rm -rf {TARGET}")
    yield Mirror(source, signer)
    on_host(HOST, f"umount {TARGET} 2>/dev/null; rm -rf {TARGET}")


def test_check_predicts_transfer_equals_and_again_does_nothing(mirror: Mirror) -> None:
    predicted = mirror.transfer("--check", "--diff")
    assert mirror.sums() == {}
    applied = mirror.transfer()
    facts = ("changed", "files", "bytes", "removed", "resumed")
    assert [predicted[key] for key in facts] == [applied[key] for key in facts]
    assert applied["files"] == 6  # three different files, three blobs of the image
    assert "+ files/large" in predicted["diff"]["prepared"]
    assert len(mirror.sums()) == len(FILES) + 3 + 2
    again = mirror.transfer()
    assert (again["changed"], again["files"], again["bytes_hashed"]) == (False, 0, 0)


def test_new_release_replaces_and_removes(mirror: Mirror) -> None:
    mirror.transfer()
    write_bundle(mirror.source, mirror.signer, {"files/small": b"t"})
    result = mirror.transfer()
    assert (result["files"], result["bytes"]) == (1, 1)
    assert "files/large" in result["removed"]
    assert set(mirror.sums()) == {"files/small", "index.json", "index.json.sig"}


def test_damaged_file_is_refused_and_what_came_before_is_kept(mirror: Mirror) -> None:
    large = mirror.source / "files/large"
    large.write_bytes(b"X" + large.read_bytes()[1:])
    refused = mirror.transfer()
    assert refused["failed"]
    assert "files/large" in mirror.message
    assert "is not what the signed index lists" in mirror.message
    assert mirror.sums() == {}
    large.write_bytes(FILES["files/large"])
    resumed = mirror.transfer()
    assert resumed["changed"]
    assert resumed["resumed"] + resumed["files"] == 7  # `same` has two places
    assert resumed["resumed"] > 0


def test_foreign_signature_is_refused_before_the_host_is_asked(
    mirror: Mirror, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    mirror.signer = make_signer(other)
    assert mirror.transfer()["failed"]
    assert "does not hold" in mirror.message
    assert on_host(HOST, f"ls {TARGET} 2>&1 || true").strip().endswith("No such file or directory")


def test_full_disk_is_told_before_anything_is_sent(mirror: Mirror) -> None:
    on_host(HOST, f"mkdir -p {TARGET} && mount -t tmpfs -o size=2m tmpfs {TARGET}")
    assert mirror.transfer()["failed"]
    assert "MiB are free. Nothing was sent." in mirror.message
    assert mirror.sums() == {}


def test_flipped_bit_on_the_mirror_is_repaired(mirror: Mirror) -> None:
    mirror.transfer()
    before = mirror.sums()
    on_host(HOST, f"printf X | dd of={TARGET}/bundle/files/large bs=1 seek=100 conv=notrunc")
    assert mirror.sums() != before
    repaired = mirror.transfer()
    assert (repaired["files"], repaired["bytes"]) == (1, MIB + 1)
    assert mirror.sums() == before

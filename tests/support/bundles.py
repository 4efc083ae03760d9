"""Small signed bundles for tests: real signatures, a few bytes of content."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    SIGNATURE_NAME,
    Entry,
    Index,
    dump_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.signature import NAMESPACE

IMAGE = "registry.example.com/team/probe"


@dataclass(frozen=True)
class Signer:
    """A key pair of a test; `public` is the line that an inventory would hold."""

    private: Path

    @property
    def public(self) -> str:
        """Return the public half."""
        return self.private.with_suffix(".pub").read_text().strip()

    def sign(self, bundle: Path) -> None:
        """Sign the index in `bundle`."""
        (bundle / SIGNATURE_NAME).unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(self.private)]
        subprocess.run([*command, str(bundle / INDEX_NAME)], check=True, capture_output=True)


def make_signer(directory: Path) -> Signer:
    """Make a key pair in `directory`."""
    private = directory / "signing"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(private)]
    subprocess.run(command, check=True, capture_output=True)
    return Signer(private)


def write_bundle(
    directory: Path, signer: Signer, files: Mapping[str, bytes], image_layer: bytes | None = None
) -> Index:
    """Write a bundle with `files` (path to content) and, when a layer is given, one image."""
    entries = [_file_entry(path, content) for path, content in files.items()]
    contents = dict(files)
    if image_layer is not None:
        image, blobs = _image(image_layer)
        entries.append(image)
        entries += [
            Entry("blob", path.rpartition("/")[2], path, len(data), sha256=_sum(data))
            for path, data in blobs.items()
        ]
        contents |= blobs
    for path, content in contents.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    index = Index("source", "amd64", tuple(sorted(entries, key=lambda entry: entry.key)))
    (directory / INDEX_NAME).write_bytes(dump_index(index))
    signer.sign(directory)
    return index


def _file_entry(path: str, content: bytes) -> Entry:
    """Return the entry of a file; `manifests/<name>/<version>/<file>` says name and version."""
    parts = path.split("/")
    named = parts[0] == "manifests" and len(parts) == 4
    name, version = (parts[1], parts[2]) if named else (path, "")
    return Entry("manifest", name, path, len(content), version=version, sha256=_sum(content))


def _image(layer: bytes) -> tuple[Entry, dict[str, bytes]]:
    """Return the index entry of an image with one layer, and its blobs by path."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {}}).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    ).encode()
    blobs = {f"images/blobs/sha256/{_sum(data)}": data for data in (config, layer, manifest)}
    size = len(config) + len(layer) + len(manifest)
    digest = f"sha256:{_sum(manifest)}"
    return Entry("image", IMAGE, "images", size, version="1.0", digest=digest), blobs


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": f"sha256:{_sum(data)}", "size": len(data)}


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""Images as OCI blobs: one layer with fixed times, so that equal inputs give one digest.

Formats: OCI image specification 1.1, image manifest, configuration and layout.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.builder import deb
from lab.builder.artifacts import Image
from lab.builder.tarball import Member, symlink, write_tar

RECIPE = 1  # raise it when the rules below change
CREATED = "1970-01-01T00:00:00Z"
SEARCH_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Built:
    """An image in the cache: its manifest's digest and size, and its size with all blobs."""

    reference: str
    digest: str
    manifest_size: int
    total_size: int
    media_type: str = _MANIFEST


def root_files(
    image: Image, binaries: Mapping[str, Path], packages: Iterable[Path], certificates: Path | None
) -> dict[str, Member]:
    """Return the files of `image`.

    Args:
        image: its declaration.
        binaries: program name -> compiled file.
        packages: Debian packages to unpack, dependencies included.
        certificates: the ca-certificates package, or None.
    """
    members = deb.skeleton(image.users)
    unpacked = [deb.unpack(package) for package in packages]
    if unpacked:
        members |= deb.merged_links()
    for files in unpacked:
        members |= files
    if certificates:
        members[CERTIFICATES] = deb.certificate_bundle(certificates)
    for path, binary in image.files.items():
        members[path] = Member(mode=0o755, source=binaries[binary])
    members |= {path: symlink(target) for path, target in image.links.items()}
    return members


def build(image: Image, arch: str, members: Mapping[str, Member], output: Path) -> None:
    """Write the blobs of `image` to `output/blobs/` and what was built to `output/image.json`."""
    blobs = output / "blobs"
    blobs.mkdir()
    layer = _adopt(blobs, _layer(output, members))
    config = _store(blobs, _json(_configuration(image, arch, layer[0])))
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _descriptor(_CONFIG, *config),
        "layers": [_descriptor(_LAYER, *layer)],
    }
    digest, size = _store(blobs, _json(manifest))
    built = Built(image.reference, digest, size, size + config[1] + layer[1])
    (output / "image.json").write_text(json.dumps(vars(built), sort_keys=True), encoding="utf-8")


def load_built(result: Path) -> Built:
    """Return what `build` wrote to a result directory."""
    return Built(**json.loads((result / "image.json").read_text(encoding="utf-8")))


def layout_files(images: Iterable[Built]) -> dict[str, bytes]:
    """Return the two files that turn a directory of blobs into an OCI layout with these images."""
    manifests = [
        {
            **_descriptor(built.media_type, built.digest, built.manifest_size),
            "annotations": {"org.opencontainers.image.ref.name": built.reference},
        }
        for built in sorted(images, key=lambda built: built.reference)
    ]
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    }
    return {"index.json": _json(index), "oci-layout": _json({"imageLayoutVersion": "1.0.0"})}


def _configuration(image: Image, arch: str, layer: str) -> dict[str, Any]:
    return {
        "architecture": arch,
        "os": "linux",
        "created": CREATED,
        "config": {
            "Env": [f"PATH={':'.join((*image.search_path, *SEARCH_PATH))}"],
            "Entrypoint": list(image.entrypoint),
            "User": image.user,
            "WorkingDir": "/",
        },
        "rootfs": {"type": "layers", "diff_ids": [layer]},
        "history": [{"created": CREATED, "created_by": "biomax.platform bundle builder"}],
    }


def _layer(output: Path, members: Mapping[str, Member]) -> Path:
    path = output / "layer.tar"
    write_tar(path, members)
    return path


def _adopt(blobs: Path, path: Path) -> tuple[str, int]:
    """Move `path` into `blobs` under its digest; return digest and size."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    size = path.stat().st_size
    shutil.move(path, blobs / digest)
    return f"sha256:{digest}", size


def _store(blobs: Path, data: bytes) -> tuple[str, int]:
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return f"sha256:{digest}", len(data)


def _descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def _json(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

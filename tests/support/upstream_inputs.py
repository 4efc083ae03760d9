"""What upstream would publish of a bundle built from source, and the catalogue and lock for it.

The releases are made of the bundle's own programs, so that both builders must give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry, load_index

from lab.builder.artifacts import Arch, File
from lab.builder.catalogue import Catalogue
from lab.builder.upstream.lock import LockedFile, LockedImage, UpstreamLock
from tests.support.release_server import ReleaseServer

HOST = "releases.example.com"
ARCH: Arch = "amd64"
DAY = "2026-01-02"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def sha256(data: bytes) -> str:
    """Return the sum of `data`."""
    return hashlib.sha256(data).hexdigest()


def release(bundle: Path, file: File, entry: Entry) -> bytes:
    """Return the release file of `file`: the program, or a compressed archive with more in it."""
    data = (bundle / entry.path).read_bytes()
    if file.binary:
        return data
    output = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as ours,
        tarfile.open(fileobj=output, mode="w:gz", compresslevel=1) as theirs,
    ):
        for name, content in (("./README", b"read me"), ("./extra/tool", b"not wanted")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            theirs.addfile(info, io.BytesIO(content))
        for member in ours:
            if member.isfile():
                stream = ours.extractfile(member)
                member.name, member.mtime, member.uname = f"./{member.name}", 1, "builder"
                theirs.addfile(member, stream)
    return output.getvalue()


def publish(
    server: ReleaseServer, bundle: Path, catalogue: Catalogue, *, images: bool = True
) -> tuple[Catalogue, UpstreamLock]:
    """Put the files of `bundle` on `server`, and its `images` unless a registry serves them.

    Returns:
        The catalogue with upstream addresses (sums for plain programs only, as in the real one),
        and a lock with the rest.
    """
    index = load_index((bundle / "index.json").read_bytes())
    files, locked = [], {}
    for file in catalogue.files:
        path = f"/{file.name}/{ARCH}/{file.name}"
        data = release(bundle, file, index.file(file.name))
        server.files[path] = data
        upstream: dict[str, object] = {"url": f"https://{HOST}/{file.name}/{{arch}}/{file.name}"}
        if file.binary:
            upstream["sha256"] = {ARCH: sha256(data)}
        else:
            url = f"https://{HOST}{path}"
            locked[url] = LockedFile(sha256=sha256(data), size=len(data), seen_on=DAY)
        files.append(File.model_validate({**file.model_dump(), "upstream": upstream}))
    pinned = {}
    for entry in index.of_kind("image") if images else ():
        digest = serve_image(server, bundle, entry, ARCH)
        url = f"https://{entry.name.partition('/')[0]}"
        pinned[f"{entry.name}:{entry.version}"] = LockedImage(digest=digest, url=url, seen_on=DAY)
    changed = catalogue.model_copy(update={"files": tuple(files)})
    return changed, UpstreamLock(images=pinned, files=locked)


def serve_image(server: ReleaseServer, bundle: Path, entry: Entry, arch: str) -> str:
    """Serve an image of `bundle` below an index for two architectures; return its digest."""
    base = f"/v2/{entry.name.split('/', 1)[1]}"
    blobs = bundle / entry.path / "blobs" / "sha256"
    manifest = (blobs / entry.digest[7:]).read_bytes()
    document = json.loads(manifest)
    server.files[f"{base}/manifests/{entry.digest}"] = manifest
    for part in (document["config"], *document["layers"]):
        server.files[f"{base}/blobs/{part['digest']}"] = (blobs / part["digest"][7:]).read_bytes()
    listed = [
        {
            "mediaType": document["mediaType"],
            "digest": digest,
            "size": size,
            "platform": {"os": "linux", "architecture": architecture},
        }
        for architecture, digest, size in (
            ("s390x", f"sha256:{'0' * 64}", 1),
            (arch, entry.digest, len(manifest)),
        )
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": listed}
    data = json.dumps(index).encode()
    digest = f"sha256:{sha256(data)}"
    for reference in (digest, entry.version):
        server.files[f"{base}/manifests/{reference}"] = data
    return digest

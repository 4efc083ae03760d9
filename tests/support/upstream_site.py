"""A checkout that builds its bundle from upstream; servers of this machine publish our own bundle.

The addresses are the catalogue's own, and stand-ins answer for their hosts. Sums that the catalogue
pins are left out, since our files are compiled here: the product's `lock` looks them up.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry, Index
from ansible_collections.biomax.platform.plugins.module_utils.bundle.registry import (
    Registry,
    load_image,
    repository_of,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
)

from lab.builder.artifacts import File, Published, Upstream
from lab.builder.cache import default_root
from lab.builder.catalogue import Catalogue, load_catalogue
from tests.support.checkout import ROOT, bundle_command, copy_checkout
from tests.support.registry_server import running_registry
from tests.support.release_server import ReleaseServer, serving
from tests.support.upstream_inputs import ARCH

SOURCE = ROOT / ".lab" / "bundle"
KEYS = ROOT / ".lab" / "keys"
# What both builders make themselves and keep by content; the rest is downloaded anew.
SHARED = ("deb", "program")


@dataclass(frozen=True)
class UpstreamSite:
    """The checkout, the bundle that its servers publish, and the servers."""

    root: Path
    source: Index
    catalogue: Catalogue
    releases: ReleaseServer
    registry: str

    @property
    def output(self) -> Path:
        """Return where the bundle is built."""
        return self.root / "upstream-bundle"

    def stand_ins(self) -> dict[str, str]:
        """Return the addresses that answer for upstream's hosts."""
        images = {image.name.partition("/")[0] for image in self.source.of_kind("image")}
        hosts = dict.fromkeys(images, self.registry)
        return hosts | dict.fromkeys(_hosts(self.catalogue), self.releases.url)

    def run(self, name: str, *options: object) -> subprocess.CompletedProcess[str]:
        """Run a command of `lab/bundle` that asks upstream."""
        hosts = [f"--from={host}={url}" for host, url in self.stand_ins().items()]
        cache = f"--cache-dir={self.root / 'cache'}"
        return bundle_command(name, *hosts, cache, *options, root=self.root)

    def build(self) -> subprocess.CompletedProcess[str]:
        """Build the whole catalogue."""
        options = ("--builder", "upstream", "--locked", "--keys", KEYS, "--output", self.output)
        return self.run("build", *options)

    def index(self) -> Index:
        """Return the index of the bundle that was built, its signature checked."""
        return load_verified_index(self.output, public_key())


def public_key() -> str:
    """Return the key that signs this checkout's bundles."""
    return (KEYS / "bundle_signing.pub").read_text(encoding="utf-8")


@contextmanager
def published(root: Path, catalogue: Catalogue | None = None) -> Iterator[UpstreamSite]:
    """Publish the bundle of this checkout and yield a site in `root` that has no lock yet.

    Args:
        root: an empty directory.
        catalogue: what the site builds; None takes what a bundle from source has.
    """
    source = load_verified_index(SOURCE, public_key())
    chosen = catalogue or wanted(load_catalogue(ROOT / "bundle" / "catalogue"))
    copy_checkout(root, chosen)
    shutil.copytree(ROOT / "programs", root / "programs")
    for path in (ROOT / "bundle" / "lock").glob("*-amd64.yml"):
        if not path.name.startswith("upstream-"):
            shutil.copy(path, root / "bundle" / "lock")
    (root / "cache").mkdir()
    _share_cache(root / "cache")
    releases = ReleaseServer()
    _serve_releases(releases, source, chosen)
    with serving(releases), running_registry(SOURCE, source, root) as url:
        registry = Registry(url)
        for image in chosen.images:
            if not chosen.compiled_by_both(image):
                entry = source.image(image.name, image.tag)
                registry.push(repository_of(image.name), image.tag, load_image(SOURCE, entry))
        yield UpstreamSite(root, source, chosen, releases, url)


def wanted(catalogue: Catalogue) -> Catalogue:
    """Return what a bundle from source has of `catalogue`, without published sums."""
    return catalogue.model_copy(
        update={
            "files": tuple(_unpinned(file) for file in catalogue.files),
            "manifests": tuple(
                item.model_copy(update={"upstream": Published(url=item.upstream.url)})
                for item in catalogue.manifests
                if item.program and item.upstream
            ),
            "upstream_images": (),
        }
    )


def _unpinned(file: File) -> File:
    if file.upstream is None:
        return file
    release = Upstream(url=file.upstream.url, members=file.upstream.members)
    return file.model_copy(update={"upstream": release})


def _hosts(catalogue: Catalogue) -> set[str]:
    urls = [file.upstream.url for file in catalogue.files if file.upstream]
    urls += [item.upstream.url for item in catalogue.manifests if item.upstream]
    return {urlsplit(url).hostname or "" for url in urls}


def _share_cache(root: Path) -> None:
    """Take over what the user's cache has of SHARED, so that this build does not hold the cache."""
    for name in SHARED:
        have = default_root() / name
        if have.is_dir():
            shutil.copytree(have, root / name, copy_function=_link)
    (root / "go-build").symlink_to(default_root() / "go-build")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _serve_releases(server: ReleaseServer, source: Index, catalogue: Catalogue) -> None:
    """Serve each release file of `catalogue`, made of the programs of the source bundle.

    Archives are not compressed: it would take longer than all the rest, and unit tests do it.
    """
    archives: dict[str, dict[str, bytes]] = defaultdict(dict)
    for file in catalogue.files:
        if file.upstream is None:
            continue
        path = urlsplit(file.upstream.url_for(ARCH)).path
        own = {binary: member for member, binary in file.archive.items()}
        for binary, data in _programs(source.file(file.name), file).items():
            member = file.upstream.members.get(binary, own.get(binary, ""))
            if member:
                archives[path][member.replace("{arch}", ARCH)] = data
            else:
                server.files[path] = data
    for path, members in archives.items():
        server.files[path] = _tar(members)
    for manifest in catalogue.manifests:
        if manifest.upstream:
            entry = source.manifest(manifest.name, manifest.version)
            path = urlsplit(manifest.upstream.url).path
            server.files[path] = (SOURCE / entry.path).read_bytes()


def _programs(entry: Entry, file: File) -> dict[str, bytes]:
    """Return the programs in a file of the source bundle."""
    data = (SOURCE / entry.path).read_bytes()
    if file.binary:
        return {file.binary: data}
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member, binary in file.archive.items():
            stream = archive.extractfile(member)
            assert stream is not None
            found[binary] = stream.read()
    return found


def _tar(members: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), 0o755, 1
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue()

"""Making the lock: what tags and addresses hold today, looked up for a person to review."""

from __future__ import annotations

import datetime
import difflib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lab.builder.artifacts import Arch
from lab.builder.catalogue import Catalogue
from lab.builder.progress import Progress
from lab.builder.upstream.download import Wanted
from lab.builder.upstream.lock import (
    LockedFile,
    LockedImage,
    UpstreamLock,
    pulled_images,
    releases_of,
)
from lab.builder.upstream.registry import INDEXES, Registry, for_arch

Pinned = TypeVar("Pinned", LockedImage, LockedFile)


@dataclass(frozen=True)
class Resolver:
    """Looks up what the catalogue leaves open.

    Attributes:
        registry: registries, and the downloader that they share with release files.
        progress: shows each look-up.
        today: UTC date that goes into the lock.
    """

    registry: Registry
    progress: Progress
    today: str = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")

    def resolve(
        self, catalogue: Catalogue, arch: Arch, old: UpstreamLock, *, renew: bool
    ) -> UpstreamLock:
        """Return the lock for the whole `catalogue`.

        Args:
            catalogue: what the lock is for; entries that nothing needs any more are dropped.
            arch: architecture of the hosts.
            old: the present lock; its entries are kept.
            renew: look everything up again.

        Raises:
            PlatformError: something is not there, or an image has no part for `arch`.
        """
        kept = UpstreamLock() if renew else old
        images = sorted((i.name, i.tag) for i, _ in pulled_images(catalogue, catalogue))
        urls = {
            release.url_for(arch): name
            for name, release in releases_of(catalogue)
            if not release.sum_for(arch)
        }
        new_images = [pair for pair in images if ":".join(pair) not in kept.images]
        new_files = {url: name for url, name in sorted(urls.items()) if url not in kept.files}
        self.progress.add(len(new_images) + len(new_files))
        found = UpstreamLock(
            images={f"{name}:{tag}": self._image(name, tag, arch) for name, tag in new_images},
            files={url: self._file(name, url) for url, name in new_files.items()},
        )
        wanted = {f"{name}:{tag}" for name, tag in images}
        return UpstreamLock(
            images=_merged(kept.images, found.images, old.images, wanted),
            files=_merged(kept.files, found.files, old.files, set(urls)),
        )

    def _image(self, name: str, tag: str, arch: Arch) -> LockedImage:
        with self.progress.step(f"look up {name}:{tag}") as step:
            document = self.registry.document(name, tag, step)
            if document.media_type in INDEXES:
                for_arch(name, document, arch)
        host, _, repository = name.partition("/")
        url = f"https://{host}/v2/{repository}/manifests/{tag}"
        return LockedImage(digest=document.digest, url=url, seen_on=self.today)

    def _file(self, name: str, url: str) -> LockedFile:
        with (
            self.progress.step(f"look up the sum of {name}") as step,
            tempfile.TemporaryDirectory(dir=self._scratch()) as directory,
        ):
            path = Path(directory, "file")
            wanted = Wanted(name, self.registry.locate(url))
            digest = self.registry.downloader.fetch(wanted, path, step)
            return LockedFile(sha256=digest, size=path.stat().st_size, seen_on=self.today)

    def _scratch(self) -> Path:
        """Return a directory on the file system of the parts, so that files are renamed only."""
        self.registry.downloader.parts.mkdir(parents=True, exist_ok=True)
        return self.registry.downloader.parts


def _merged(
    kept: Mapping[str, Pinned],
    found: Mapping[str, Pinned],
    old: Mapping[str, Pinned],
    wanted: set[str],
) -> dict[str, Pinned]:
    """Return what is wanted; what was found unchanged keeps the date when it was first seen."""
    merged = {key: value for key, value in {**kept, **found}.items() if key in wanted}
    for key, value in merged.items():
        before = old.get(key)
        if before and value == before.model_copy(update={"seen_on": value.seen_on}):
            merged[key] = before
    return merged


def difference(old: str, new: str, name: str) -> list[str]:
    """Return the change from `old` to `new` as a unified diff; empty when there is none."""
    return list(
        difflib.unified_diff(
            old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm=""
        )
    )

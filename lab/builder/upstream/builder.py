"""The upstream part of a build: what is taken from projects instead of being compiled."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lab.builder.assemble import Item
from lab.builder.context import Context
from lab.builder.images import Made
from lab.builder.manifests import manifest_item
from lab.builder.programs import file_items
from lab.builder.upstream.download import Downloader
from lab.builder.upstream.images import PulledImages
from lab.builder.upstream.lock import (
    UpstreamLock,
    check_complete,
    load_upstream_lock,
    lock_path,
    pulled_images,
)
from lab.builder.upstream.registry import Registry
from lab.builder.upstream.releases import Releases
from lab.builder.upstream.sources import Sources

PARTS = "parts"  # of the cache: downloads under way


@dataclass(frozen=True)
class Upstream:
    """Release files and images of one build, with sums from the catalogue and the lock only."""

    context: Context
    releases: Releases
    pulled: PulledImages
    lock: UpstreamLock

    @classmethod
    def of(cls, context: Context) -> Upstream:
        """Return the upstream part of the build `context`.

        Raises:
            InputError: something is pinned neither in the catalogue nor in the lock; nothing was
                downloaded.
        """
        settings = context.settings
        path = lock_path(settings.root, settings.arch)
        lock = load_upstream_lock(path)
        check_complete(context.full, context.catalogue, lock, settings.arch, path)
        sources = Sources(settings.taken_from)
        downloader = Downloader(context.cache.root / PARTS)
        downloader.prune(time.time())
        registry = Registry(downloader, sources.locate)
        releases = Releases(context, downloader, sources, lock)
        return cls(context, releases, PulledImages(context, registry, lock), lock)

    def files(self) -> list[Item]:
        """Return the files that hosts install, in the same form as compiled ones."""
        items: list[Item] = []
        for file in self.context.catalogue.files:
            if file.upstream and not self.context.full.compiled_by_both(file):
                only = self.context.catalogue.model_copy(update={"files": (file,)})
                items += file_items(self.context.over(only), self.releases.binaries(file))
        return items

    def manifests(self) -> list[Item]:
        """Return the manifests that projects publish."""
        arch = self.context.settings.arch
        return [
            manifest_item(
                self.context,
                manifest,
                self.releases.fetch(f"{manifest.name} {manifest.version}", manifest.upstream),
                f"downloaded from {manifest.upstream.url_for(arch)}",
            )
            for manifest in self.context.catalogue.manifests
            if manifest.upstream
        ]

    def images(self) -> list[Made]:
        """Return the images that are pulled."""
        return self.pulled.made()

    def downloads(self) -> dict[tuple[str, str, str], str]:
        """Return by the key of its entry where each part is published."""
        full, part, arch = self.context.full, self.context.catalogue, self.context.settings.arch
        released = {
            ("file", file.name, full.program(file.program).version): file.upstream
            for file in part.files
            if not full.compiled_by_both(file)
        } | {("manifest", item.name, item.version): item.upstream for item in part.manifests}
        images = {
            ("image", image.name, image.tag): self.lock.images[image.reference].url
            for image, _ in pulled_images(full, part)
        }
        return {key: it.url_for(arch) for key, it in released.items() if it} | images

    def as_of(self) -> str:
        """Return the UTC time of the newest pin of the lock, "" when it has none."""
        days = [pin.seen_on for pin in self.lock.files.values()]
        days += [pin.seen_on for pin in self.lock.images.values()]
        return f"{max(days)}T00:00:00Z" if days else ""

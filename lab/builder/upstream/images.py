"""Images pulled by digest: every part is checked and kept in the cache under its digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file

from lab.builder.assemble import Damaged, Item
from lab.builder.context import Context
from lab.builder.image import Built
from lab.builder.images import LAYOUT, Made, blob_item
from lab.builder.progress import Step
from lab.builder.upstream.lock import UpstreamLock, pulled_images
from lab.builder.upstream.registry import INDEXES, Document, Registry, for_arch, parsed


class PulledImages:
    """Images of one build that come from registries."""

    def __init__(self, context: Context, registry: Registry, lock: UpstreamLock) -> None:
        self.context = context
        self.registry = registry
        self.lock = lock

    def made(self) -> list[Made]:
        """Return every image of the catalogue that is pulled."""
        return [
            self._pull(image.name, image.tag, licence)
            for image, licence in pulled_images(self.context.full, self.context.catalogue)
        ]

    def _pull(self, name: str, tag: str, licence: str) -> Made:
        digest = self.lock.images[f"{name}:{tag}"].digest
        document, items = self._document(name, digest)
        if document.media_type in INDEXES:
            arch = for_arch(name, document, self.context.settings.arch)
            document, items = self._document(name, arch)
        parts = [document.content["config"], *document.content["layers"]]
        items += [self._blob(name, part) for part in parts]
        size = sum(item.entry.size for item in items)
        built = Built(
            f"{name}:{tag}", document.digest, len(document.data), size, document.media_type
        )
        entry = Entry(
            kind="image",
            name=name,
            version=tag,
            path=LAYOUT,
            size=size,
            digest=document.digest,
            licence=licence,
            source=f"pulled as {name}@{digest}",
        )
        return Made(built, items, entry)

    def _document(self, name: str, digest: str) -> tuple[Document, list[Item]]:
        """Return the index or manifest `digest`, and the file that it is in a layout."""

        def recipe(work: Path, step: Step) -> None:
            data = self.registry.document(name, digest, step).data
            (work / digest[7:]).write_bytes(data)

        path = self._cached(name, digest, "manifest", recipe)
        if sha256_file(path) != digest[7:]:  # the cache's disk: it was right when it came
            raise Damaged({path.parent})
        return parsed(f"{name} {digest}", path.read_bytes()), [self._item(path)]

    def _blob(self, name: str, descriptor: Mapping[str, Any]) -> Item:
        wanted = self.registry.blob(name, descriptor)

        def recipe(work: Path, step: Step) -> None:
            self.registry.downloader.fetch(wanted, work / wanted.sha256, step)

        return self._item(self._cached(name, f"sha256:{wanted.sha256}", "part", recipe))

    def _cached(self, name: str, digest: str, what: str, recipe: Any) -> Path:
        self.context.progress.add(1)
        text = f"pull {what} {digest[7:19]} of {name}"
        return self.context.noted("blob", digest[7:], text, recipe) / digest[7:]

    def _item(self, path: Path) -> Item:
        return blob_item(path, path.parent, path.name)

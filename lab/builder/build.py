"""The build: every recipe is looked up in the cache or run, then the bundle is published."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry, Index
from rich.console import Console

from lab.builder.assemble import Damaged, Item, publish
from lab.builder.cache import Cache
from lab.builder.catalogue import Catalogue
from lab.builder.context import Context, Settings
from lab.builder.images import built_images, layout_items
from lab.builder.manifests import manifest_items
from lab.builder.packages import PackageStore, wanted_sets
from lab.builder.programs import compile_programs, file_items
from lab.builder.progress import Progress
from lab.builder.references import check_manifest
from lab.builder.sbom import Inputs, sbom_item
from lab.builder.upstream.builder import Upstream


@dataclass(frozen=True)
class Outcome:
    """What a build did: whether the bundle changed, its size in bytes, steps done and reused."""

    changed: bool
    size: int
    files: int
    steps: int
    reused: int


def run_build(
    settings: Settings, full: Catalogue, catalogue: Catalogue, cache_root: Path, console: Console
) -> Outcome:
    """Build the bundle of `catalogue` and publish it at `settings.output`.

    Args:
        settings: where to read and write.
        full: the whole catalogue; the package lock always belongs to it.
        catalogue: what to build, `full` or a part of it.
        cache_root: directory of the cache, locked for the time of the build.
        console: shows the progress.
    """
    cache = Cache(cache_root)
    with cache.lock():
        cache.prune(time.time())
        dropped: set[Path] = set()
        while True:
            try:
                return _build_once(settings, full, catalogue, cache, console)
            except Damaged as error:
                if error.results <= dropped:
                    raise
                for result in sorted(error.results - dropped):
                    console.print(f"damaged in the cache, made again: {result}", markup=False)
                    cache.drop(result)
                dropped |= error.results


def _build_once(
    settings: Settings, full: Catalogue, catalogue: Catalogue, cache: Cache, console: Console
) -> Outcome:
    progress = Progress(console)
    whole = Context(settings, full, catalogue, cache, progress)
    upstream = Upstream.of(whole) if settings.builder == "upstream" else None
    context = whole.over(catalogue.compiled_by_both_only()) if upstream else whole
    store = PackageStore(context) if wanted_sets(context.catalogue) else None
    binaries = compile_programs(context)
    items = file_items(context, binaries) + manifest_items(context)
    if store:
        store.fetch()
    images = built_images(context, binaries, store)
    if upstream:
        items += upstream.files() + upstream.manifests()
        images += upstream.images()
    items += layout_items(context, images)
    if store and catalogue.packages.roots:
        items += store.repository_items()
    entries = [image.entry for image in images]
    if catalogue is full:  # a part may leave out what its manifests name
        _check_manifests(full, items, tuple(entries))
    inputs = Inputs(whole, items, images, binaries, store)
    if upstream:
        inputs = replace(inputs, downloads=upstream.downloads(), as_of=upstream.as_of())
    items.append(sbom_item(inputs))
    return _publish(context, items, entries)


def _check_manifests(catalogue: Catalogue, items: list[Item], images: tuple[Entry, ...]) -> None:
    """Raise InputError unless each image that a manifest of the bundle names is in the bundle."""
    unused = {(item.name, item.version): item.unused_images for item in catalogue.manifests}
    for item in items:
        entry = item.entry
        if entry.kind == "manifest":
            check_manifest(
                item.source, f"manifest {entry.label}", images, unused[entry.name, entry.version]
            )


def _publish(context: Context, items: list[Item], images: list[Entry]) -> Outcome:
    settings, progress = context.settings, context.progress
    entries = sorted([item.entry for item in items] + images, key=lambda entry: entry.key)
    index = Index(settings.builder, settings.arch, tuple(entries))
    progress.add(1)
    with progress.step(f"publish {len(items)} files at {settings.output}"):
        state = context.cache.root / "published"
        changed = publish(settings.output, items, index, settings.keys, state)
    size = sum(item.entry.size for item in items)
    return Outcome(changed, size, len(items), progress.number, progress.reused)

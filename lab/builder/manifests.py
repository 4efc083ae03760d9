"""Manifests: YAML files that a compiled Go module brings along."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry

from lab.builder.artifacts import Manifest
from lab.builder.assemble import Item
from lab.builder.context import Context
from lab.builder.go import Toolchain


def manifest_items(context: Context) -> list[Item]:
    """Return the manifests of the catalogue that lie in a compiled module.

    The others have no source here: only a bundle of the `upstream` builder holds them.
    """
    taken = [item for item in context.catalogue.manifests if item.program]
    toolchain = Toolchain(context.settings.arch, context.cache.root / "go-build")
    context.progress.add(len(taken))
    return [_item(context, toolchain, manifest) for manifest in taken]


def _item(context: Context, toolchain: Toolchain, manifest: Manifest) -> Item:
    root, path = context.settings.root, str(manifest.path)
    program = context.full.program(str(manifest.program))
    result = context.cached(
        "manifest",
        toolchain.file_key(root, program, path),
        f"manifest {manifest.name} {manifest.version}",
        lambda work: toolchain.module_file(root, program, path, work / manifest.file_name),
    )
    return manifest_item(
        context, manifest, result / manifest.file_name, f"{path} of {program.module}"
    )


def manifest_item(context: Context, manifest: Manifest, source: Path, origin: str) -> Item:
    """Return the bundle's file for `manifest`, whose bytes a result of the cache has as `source`.

    `origin` is what the index says of where it came from.
    """
    entry = Entry(
        kind="manifest",
        name=manifest.name,
        version=manifest.version,
        path=manifest.bundle_path,
        sha256=context.sum_of(source),
        size=source.stat().st_size,
        licence=manifest.licence,
        source=origin,
    )
    return Item(entry, source, source.parent)

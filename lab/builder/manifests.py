"""Manifests: YAML files that a compiled Go module brings along."""

from __future__ import annotations

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry

from lab.builder.assemble import Item
from lab.builder.catalogue import Manifest
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
    source = result / manifest.file_name
    entry = Entry(
        kind="manifest",
        name=manifest.name,
        version=manifest.version,
        path=manifest.bundle_path,
        sha256=context.sum_of(source),
        size=source.stat().st_size,
        licence=manifest.licence,
        source=f"{path} of {program.module}",
    )
    return Item(entry, source, result)

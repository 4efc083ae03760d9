"""Images of a build, and the OCI layout that holds them all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry

from lab.builder import image as oci
from lab.builder.artifacts import Image
from lab.builder.assemble import Item
from lab.builder.cache import key_of
from lab.builder.context import Context
from lab.builder.packages import PackageStore
from lab.builder.programs import Binaries

LAYOUT = "images"


@dataclass(frozen=True)
class Made:
    """An image of the bundle: its manifest, the files of its parts, what the index says of it."""

    built: oci.Built
    blobs: list[Item]
    entry: Entry


def built_images(context: Context, binaries: Binaries, store: PackageStore | None) -> list[Made]:
    """Return the images of the catalogue, made of compiled programs.

    Args:
        context: the build.
        binaries: compiled programs.
        store: packages that images unpack; None when no image does.
    """
    made = []
    context.progress.add(len(context.catalogue.images))
    for image in context.catalogue.images:
        result = _build(context, binaries, store, image)
        built = oci.load_built(result)
        made.append(Made(built, _blobs(context, result), _entry(context, image, built)))
    return made


def layout_items(context: Context, images: list[Made]) -> list[Item]:
    """Return the files of the OCI layout that holds `images`."""
    if not images:
        return []
    layout_files = oci.layout_files([image.built for image in images])
    layout = context.cache.make(
        "layout",
        key_of({name: data.decode() for name, data in layout_files.items()}),
        lambda work: _write_files(work, layout_files),
    )
    items = {item.entry.path: item for image in images for item in image.blobs}
    items |= {item.entry.path: item for item in _layout(context, layout)}
    return list(items.values())


def _build(context: Context, binaries: Binaries, store: PackageStore | None, image: Image) -> Path:
    packages = store.unpacked_by(image) if store else []
    certificates = store.certificates_of(image) if store else None
    programs = {name: binaries[image.program, name] for name in image.files.values()}

    def recipe(work: Path) -> None:
        members = oci.root_files(
            image,
            programs,
            [store.path(package) for package in packages] if store else [],
            store.path(certificates) if store and certificates else None,
        )
        oci.build(image, context.settings.arch, members, work)

    key = key_of(
        oci.RECIPE,
        context.settings.arch,
        image.model_dump(mode="json", exclude={"used_by"}),
        {name: context.sum_of(path) for name, path in programs.items()},
        [package.sha256 for package in packages],
        certificates.sha256 if certificates else "",
    )
    return context.cached("image", key, f"image {image.reference}", recipe)


def _write_files(directory: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (directory / name).write_bytes(data)


def _blobs(context: Context, result: Path) -> list[Item]:
    """Return the blobs of one image; images may share a blob, so callers merge by path."""
    return [
        blob_item(result / name, result, digest)
        for name, digest in context.cache.sums(result).items()
        if name.startswith("blobs/")
    ]


def _layout(context: Context, result: Path) -> list[Item]:
    sums = context.cache.sums(result)
    return [_item(name, name, result / name, result, digest) for name, digest in sums.items()]


def blob_item(source: Path, result: Path, digest: str) -> Item:
    """Return the layout's blob `digest` (64 hexadecimal digits), which `result` keeps."""
    return _item(f"sha256:{digest}", f"blobs/sha256/{digest}", source, result, digest)


def _item(name: str, path: str, source: Path, result: Path, digest: str) -> Item:
    size = source.stat().st_size
    return Item(Entry("blob", name, f"{LAYOUT}/{path}", size, sha256=digest), source, result)


def _entry(context: Context, image: Image, built: oci.Built) -> Entry:
    program = context.full.program(image.program)
    debian = " and Debian packages" if image.packages or image.certificates else ""
    licence, source = f"{program.licence}{debian}", f"{image.program} {program.version}{debian}"
    if not image.files:
        licence = source = "Debian packages"
    return Entry(
        kind="image",
        name=image.name,
        version=image.tag,
        path=LAYOUT,
        size=built.total_size,
        digest=built.digest,
        licence=licence,
        source=source,
    )

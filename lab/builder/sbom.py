"""The bundle's list of what it holds (SPDX), made of its entries and of what went into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry

from lab.builder.apt import Package as DebianPackage
from lab.builder.artifacts import Image, Program
from lab.builder.assemble import Item
from lab.builder.cache import key_of
from lab.builder.context import Context
from lab.builder.images import Made
from lab.builder.packages import PackageStore
from lab.builder.programs import Binaries
from lab.builder.spdx import Document, Package, purl

SBOM_NAME = "sbom.spdx.json"
EPOCH = "1970-01-01T00:00:00Z"
PURPOSES = {"apt": "INSTALL", "blob": "ARCHIVE", "image": "CONTAINER", "manifest": "FILE"}


@dataclass(frozen=True)
class Inputs:
    """What one build put together.

    Attributes:
        context: the build over the whole catalogue.
        items: every file of the bundle, the list itself not among them.
        images: every image.
        binaries: programs that were compiled.
        store: Debian packages; None when there are none.
        downloads: kind, name and version of an entry -> address that it was taken from.
        as_of: UTC time of the newest pin of what was downloaded, "" when nothing was.
    """

    context: Context
    items: Sequence[Item]
    images: Sequence[Made]
    binaries: Binaries
    store: PackageStore | None
    downloads: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    as_of: str = ""


def sbom_item(inputs: Inputs) -> Item:
    """Return the bundle's file with the list."""
    data = sbom(inputs)
    cache = inputs.context.cache

    def recipe(work: Path) -> None:
        (work / SBOM_NAME).write_bytes(data)

    result = cache.make("sbom", key_of(data.decode()), recipe)
    path = result / SBOM_NAME
    digest = cache.sums(result)[SBOM_NAME]
    return Item(Entry("sbom", "sbom", SBOM_NAME, len(data), sha256=digest), path, result)


def sbom(inputs: Inputs) -> bytes:
    """Return the list as an SPDX document; equal inputs give equal bytes."""
    settings = inputs.context.settings
    name = f"biomax.platform bundle for {settings.arch}, built from {settings.builder}"
    pinned = inputs.store.resolved_at if inputs.store else ""
    return _List(inputs).document.dump(name, max(pinned, inputs.as_of, EPOCH), _BUNDLE)


_BUNDLE = Package("bundle", "biomax.platform-bundle", purpose="ARCHIVE")


class _List:
    """The document under way."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.full = inputs.context.full
        self.document = Document()
        self.document.add(_BUNDLE)
        store = inputs.store
        hosts = store.for_hosts() if store and self.full.packages.roots else []
        self.for_hosts = {package.name: package for package in hosts}
        parts = {item.entry.key for image in inputs.images for item in image.blobs}
        for item in inputs.items:
            if item.entry.key not in parts:
                self._entry(item.entry)
        for made in inputs.images:
            self._image(made)

    def _entry(self, entry: Entry) -> None:
        if entry.kind == "apt" and entry.version:
            debian = self._debian(
                self.for_hosts[entry.name], self.full.packages.release, entry.path
            )
            self.document.add(debian, within=_BUNDLE)
            return
        package = self.document.add(self._package(entry), within=_BUNDLE)
        if entry.kind == "file":
            self._file(entry, package)

    def _package(self, entry: Entry, licence: str = "", note: str = "") -> Package:
        named = entry.kind in ("file", "manifest")
        return Package(
            entry.kind,
            entry.name,
            entry.version,
            sha256=entry.sha256 or entry.digest.removeprefix("sha256:"),
            purpose=PURPOSES.get(entry.kind, "APPLICATION") if entry.version else "FILE",
            licence=licence or (entry.licence if named else ""),
            licence_note=note,
            download=self.inputs.downloads.get(entry.key, ""),
            source=entry.source,
            path=entry.path,
        )

    def _file(self, entry: Entry, package: Package) -> None:
        file = next(file for file in self.full.files if file.name == entry.name)
        program = self.full.program(file.program)
        compiled = not self.inputs.downloads.get(entry.key)
        if compiled:
            self.document.made_from(package, _module(program))
        for binary, digest in entry.member_sha256.items():
            held = self.document.add(_program(program, binary, digest), within=package)
            if compiled:
                self.document.made_from(held, _module(program))

    def _image(self, made: Made) -> None:
        entry = made.entry
        if entry.key in self.inputs.downloads:
            address = {"repository_url": entry.name, "tag": entry.version}
            name = entry.name.rpartition("/")[2].lower()
            package = replace(
                self._package(entry, entry.licence), purl=purl("oci", name, entry.digest, **address)
            )
            self.document.add(package, within=_BUNDLE)
        else:
            image = next(i for i in self.full.images if i.reference == made.built.reference)
            mixed = image.packages or image.certificates
            licence, note = ("", entry.licence) if mixed else (entry.licence, "")
            package = self.document.add(self._package(entry, licence, note), within=_BUNDLE)
            self._inside(image, package)
        for item in made.blobs:
            self.document.add(self._package(item.entry), within=package)

    def _inside(self, image: Image, package: Package) -> None:
        program = self.full.program(image.program)
        for binary in image.files.values():
            digest = self.inputs.context.sum_of(self.inputs.binaries[image.program, binary])
            held = self.document.add(_program(program, binary, digest), within=package)
            self.document.made_from(held, _module(program))
        store = self.inputs.store
        if store:
            for debian in store.unpacked_by(image):
                self.document.add(self._debian(debian, store.release_of(image)), within=package)
            if certificates := store.certificates_of(image):
                self.document.add(self._debian(certificates, store.own), within=package)

    def _debian(self, package: DebianPackage, release: str, path: str = "") -> Package:
        return Package(
            "apt",
            package.name,
            package.version,
            sha256=package.sha256,
            purpose="INSTALL",
            licence_note=f"/usr/share/doc/{package.name}/copyright in the package",
            source=f"Debian {release}",
            purl=purl(
                *("deb", f"debian/{package.name}", package.version),
                arch=package.arch,
                distro=release,
            ),
            path=path,
        )


def _program(program: Program, binary: str, digest: str) -> Package:
    return Package(
        "program",
        binary,
        program.version,
        sha256=digest,
        purpose="APPLICATION",
        licence=program.licence,
    )


def _module(program: Program) -> Package:
    path, _, version = program.module.partition("@")
    if program.wheel:
        return Package(
            "package",
            program.wheel.name,
            program.version,
            purpose="SOURCE",
            licence=program.licence,
            purl=purl("pypi", program.wheel.name, program.version),
        )
    return Package(
        "module",
        path,
        version or program.version,
        purpose="SOURCE",
        licence=program.licence,
        purl=purl("golang", path.lower(), version) if version else "",
    )

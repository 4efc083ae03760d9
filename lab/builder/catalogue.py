"""The catalogue: pinned inputs of the bundle, read from `bundle/catalogue/*.yml`."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

Arch = Literal["amd64", "arm64"]


def _relative(path: str) -> str:
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts or str(parts) != path:
        raise ValueError(f"{path!r} is no plain relative path")
    return path


def _sha256(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError(f"{value!r} is no lower-case sha256")
    return value


def _fingerprint(value: str) -> str:
    if not re.fullmatch(r"[0-9A-F]{40}", value):
        raise ValueError(f"{value!r} is no OpenPGP fingerprint of 40 upper-case digits")
    return value


RelativePath = Annotated[str, AfterValidator(_relative)]
Sha256 = Annotated[str, AfterValidator(_sha256)]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Signature(_Strict):
    """A detached OpenPGP signature beside a release; `key` is a file in bundle/keys."""

    url: str
    key: RelativePath
    fingerprint: Fingerprint


class Release(_Strict):
    """A file that upstream publishes; `{arch}` in its address stands for the architecture.

    A sum that is missing here has to be in the lock.
    """

    url: str
    signature: Signature | None = None

    def url_for(self, arch: Arch) -> str:
        """Return the address for `arch`."""
        return self.url.replace("{arch}", arch)

    def sum_for(self, arch: Arch) -> str:
        """Return the published sum for `arch`, "" when none is known."""
        raise NotImplementedError


class Upstream(Release):
    """Where upstream publishes programs, one file for each architecture.

    `members` maps a program to its path when the release is an archive and holds it elsewhere than
    our own archive does.
    """

    sha256: dict[Arch, Sha256] = {}
    members: dict[str, RelativePath] = {}

    def sum_for(self, arch: Arch) -> str:
        """Return the published sum for `arch`, "" when none is known."""
        return self.sha256.get(arch, "")


class Published(Release):
    """Where upstream publishes a file that is the same for every architecture."""

    sha256: Sha256 | None = None

    def sum_for(self, arch: Arch) -> str:  # noqa: ARG002 - one sum for all
        """Return the published sum, "" when none is known."""
        return self.sha256 or ""


class Program(_Strict):
    """A Go module that gives one or more programs; both builders compile what is our `own`."""

    name: str
    version: str
    licence: str
    module: str
    directory: RelativePath
    binaries: dict[str, str]
    variables: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    own: bool = False


class _Made(_Strict):
    """Something made of the binaries of one program."""

    name: str
    program: str
    used_by: tuple[str, ...]

    @property
    def binaries(self) -> tuple[str, ...]:
        """Return the programs that it holds."""
        raise NotImplementedError


class File(_Made):
    """A file that hosts install: one binary as it is, or an archive (member path: binary)."""

    binary: str | None = None
    archive: dict[RelativePath, str] = {}
    upstream: Upstream | None = None

    @model_validator(mode="after")
    def _one_form(self) -> File:
        if bool(self.binary) == bool(self.archive):
            raise ValueError("exactly one of binary and archive is wanted")
        return self

    @property
    def binaries(self) -> tuple[str, ...]:
        """Return the programs that this file holds."""
        return (self.binary,) if self.binary else tuple(self.archive.values())


class Tagged(_Strict):
    """Something with the name and tag of an image."""

    name: str
    tag: str

    @property
    def reference(self) -> str:
        """Return the full name with its tag."""
        return f"{self.name}:{self.tag}"

    @property
    def repository(self) -> str:
        """Return the path in a registry: the name without the upstream host."""
        return self.name.split("/", 1)[1]


class Image(Tagged, _Made):
    """An image: binaries of one program, Debian packages it calls, certificates if it asks.

    A `stand_in` is a program of ours under the name of upstream's image.
    """

    files: dict[RelativePath, str]
    entrypoint: tuple[str, ...]
    user: str = "0"
    packages: tuple[str, ...] = ()
    certificates: bool = False
    stand_in: bool = False

    @property
    def binaries(self) -> tuple[str, ...]:
        """Return the programs that this image holds."""
        return tuple(self.files.values())


class UpstreamImage(Tagged):
    """An image that only the upstream builder can bring."""

    licence: str
    used_by: tuple[str, ...]


class Manifest(_Strict):
    """A YAML file with Kubernetes objects, as its project publishes it.

    `program` and `path` say in which compiled Go module it lies; without them only a bundle of
    the `upstream` builder has it. `unused_images` maps images that it names and that never run
    here to the reason; every other one must be in the bundle.
    """

    name: str
    version: str
    licence: str
    used_by: tuple[str, ...]
    program: str | None = None
    path: RelativePath | None = None
    upstream: Published | None = None
    unused_images: dict[str, str] = {}

    @model_validator(mode="after")
    def _has_a_source(self) -> Manifest:
        if bool(self.program) != bool(self.path):
            raise ValueError("program and path belong together")
        if not self.program and not self.upstream:
            raise ValueError("one of program and upstream is wanted")
        return self

    @property
    def file_name(self) -> str:
        """Return the name of the file in the bundle."""
        return PurePosixPath(self.path or (self.upstream.url if self.upstream else "")).name

    @property
    def bundle_path(self) -> str:
        """Return the path of the file in the bundle."""
        return f"manifests/{self.name}/{self.version}/{self.file_name}"


class Root(_Strict):
    """A Debian package that a role installs."""

    name: str
    used_by: tuple[str, ...]


class Packages(_Strict):
    """Debian packages for hosts, and the release they come from."""

    release: str
    roots: tuple[Root, ...]
    base: tuple[str, ...] = ()


class Catalogue(_Strict):
    """Everything a site installs, as inputs."""

    programs: tuple[Program, ...]
    files: tuple[File, ...]
    images: tuple[Image, ...]
    manifests: tuple[Manifest, ...] = ()
    upstream_images: tuple[UpstreamImage, ...] = ()
    packages: Packages = Field(description="Debian packages")

    @model_validator(mode="after")
    def _consistent(self) -> Catalogue:
        _unique("program", [program.name for program in self.programs])
        _unique("file", [file.name for file in self.files])
        images = (*self.images, *self.upstream_images)
        _unique("image", [image.reference for image in images])
        _unique("manifest", [f"{item.name} {item.version}" for item in self.manifests])
        _unique("package", [root.name for root in self.packages.roots])
        _unique(
            "registry path (names without their host; the mirror serves all hosts as one)",
            sorted({image.name: image.repository for image in images}.values()),
        )
        binaries = {program.name: set(program.binaries) for program in self.programs}
        for item in self.made():
            if lacking := set(item.binaries) - binaries.get(item.program, set()):
                raise ValueError(f"{item.name}: {item.program} gives no {sorted(lacking)}")
        versions = {program.name: program.version for program in self.programs}
        for manifest in self.manifests:
            if manifest.program and versions.get(manifest.program) != manifest.version:
                raise ValueError(
                    f"manifest {manifest.name}: {manifest.program} is not {manifest.version}"
                )
        return self

    def made(self) -> tuple[_Made, ...]:
        """Return everything that is made of compiled programs: files, then images."""
        return (*self.files, *self.images)

    def compiled_by_both(self, item: _Made) -> bool:
        """Return whether `item` is ours, so that the upstream builder compiles it too."""
        return self.program(item.program).own and not getattr(item, "stand_in", False)

    def compiled_by_both_only(self) -> Catalogue:
        """Return the part that the upstream builder compiles, with the Debian packages."""
        return self.model_copy(
            update={
                "files": tuple(file for file in self.files if self.compiled_by_both(file)),
                "images": tuple(image for image in self.images if self.compiled_by_both(image)),
                "manifests": tuple(item for item in self.manifests if not item.upstream),
                "upstream_images": (),
            }
        )

    def program(self, name: str) -> Program:
        """Return the program called `name`; the catalogue was checked to have it."""
        return next(program for program in self.programs if program.name == name)

    def only(self, names: set[str]) -> Catalogue:
        """Return a smaller catalogue: programs, files, images, manifests called one of `names`.

        A program stands for all that is made of it. `packages` selects the Debian packages; they
        are dropped otherwise. InputError names what does not exist.
        """
        programs = {program.name for program in self.programs}
        pulled = {item.name for item in self.upstream_images}
        known = programs | pulled | {item.name for item in self.made()} | {"packages"}
        known |= {item.name for item in self.manifests}
        if unknown := names - known:
            raise InputError(
                f"--only {', '.join(sorted(unknown))}: the catalogue has "
                f"{', '.join(sorted(known))}."
            )
        files = tuple(f for f in self.files if names & {f.name, f.program})
        images = tuple(i for i in self.images if names & {i.name, i.program})
        manifests = tuple(m for m in self.manifests if names & {m.name, m.program})
        used = {item.program for item in (*files, *images)} | (names & programs)
        used |= {item.program for item in manifests if item.program}
        packages = (
            self.packages
            if "packages" in names
            else Packages(release=self.packages.release, roots=())
        )
        return self.model_copy(
            update={
                "programs": tuple(p for p in self.programs if p.name in used),
                "files": files,
                "images": images,
                "manifests": manifests,
                "upstream_images": tuple(i for i in self.upstream_images if i.name in names),
                "packages": packages,
            }
        )


def _unique(what: str, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the same {what} twice: {', '.join(twice)}")


def load_catalogue(directory: Path) -> Catalogue:
    """Return the catalogue in `directory`; InputError says which file and key is wrong."""
    document: dict[str, object] = {}
    try:
        for name in ("programs.yml", "images.yml", "manifests.yml"):
            document |= yaml.safe_load((directory / name).read_text(encoding="utf-8"))
        document["packages"] = yaml.safe_load(
            (directory / "packages.yml").read_text(encoding="utf-8")
        )
        return Catalogue.model_validate(document)
    except (OSError, yaml.YAMLError, TypeError) as error:
        raise InputError(f"Reading the catalogue in {directory}: {error}") from error
    except ValidationError as error:
        found = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'catalogue'}: {item['msg']}"
            for item in error.errors()
        )
        raise InputError(f"The catalogue in {directory} is wrong: {found}") from error

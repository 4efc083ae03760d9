"""Images that Kubernetes objects name, wherever they name them, compared with the bundle's.

An `image` key is a reference whatever it looks like. Elsewhere (arguments, environment, fields of
custom resources) a string counts when it holds the name of a registry's host, a path and a tag or
digest: operators are told their images that way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

# Registries whose images may be told in any string; the hosts of the bundle's images are added.
KNOWN_HOSTS = ("docker.io", "gcr.io", "ghcr.io", "mcr.microsoft.com", "quay.io", "registry.k8s.io")
_TAIL = r"/[a-z0-9][a-z0-9._/-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?(?:@sha256:[0-9a-f]{64})?"


@dataclass(frozen=True)
class Reference:
    """An image as an object names it: full name with tag or digest, the object, the path in it."""

    image: str
    where: str
    path: str


def references(documents: Iterable[Any], hosts: Iterable[str] = ()) -> Iterator[Reference]:
    """Yield every image that `documents` (Kubernetes objects) name.

    Args:
        documents: parsed YAML; anything that is no mapping is passed over.
        hosts: registries to look for, besides the well-known ones.
    """
    names = "|".join(re.escape(host) for host in sorted({*KNOWN_HOSTS, *hosts}))
    pattern = re.compile(rf"(?<![\w./-])(?:[\w-]+\.)*?(?:{names}){_TAIL}")
    for document in documents:
        if not isinstance(document, Mapping):
            continue
        where = _object_name(document)
        prose = (
            document.get("kind") == "CustomResourceDefinition"
        )  # its descriptions are read by people
        for path, key, text in _strings(document, ""):
            if prose and key == "description":
                continue
            if key == "image":
                yield Reference(normalised(text), where, path)
                continue
            for match in pattern.finditer(text):
                if ":" in match[0].rpartition("/")[2]:
                    yield Reference(normalised(match[0]), where, path)


def normalised(image: str) -> str:
    """Return `image` as a container runtime reads it: with its host, and with a tag or digest."""
    first, slash, _ = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif not ("." in first or ":" in first or first == "localhost"):
        image = f"docker.io/{image}"
    name, at, digest = image.partition("@")
    if at:  # a digest decides, whatever the tag says
        return f"{re.sub(r':[^:/]+$', '', name)}@{digest}"
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def missing(found: Iterable[Reference], images: Iterable[Entry]) -> list[Reference]:
    """Return the references that none of the bundle's `images` answers, each object's once."""
    held = set()
    for entry in images:
        held |= {f"{entry.name}:{entry.version}", f"{entry.name}@{entry.digest}"}
    return list(dict.fromkeys(item for item in found if item.image not in held))


def check_manifest(
    path: Path, label: str, images: tuple[Entry, ...], unused: Mapping[str, str]
) -> None:
    """Raise InputError unless every image that the manifest at `path` names is in the bundle.

    Args:
        path: file of YAML documents.
        label: what a message calls it.
        images: image entries of the bundle.
        unused: images that are named and never run here -> why; one that is not named is wrong.
    """
    documents = yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    found = list(references(documents, {entry.name.partition("/")[0] for entry in images}))
    if stale := set(unused) - {reference.image for reference in found}:
        raise InputError(
            f"{label} does not name {', '.join(sorted(stale))}, which `unused_images` in "
            "bundle/catalogue/manifests.yml lists. Remove the line."
        )
    lacking = [item for item in missing(found, images) if item.image not in unused]
    if lacking:
        named = "; ".join(f"{item.image} ({item.where}, {item.path})" for item in lacking)
        raise InputError(
            f"{label} names images that the bundle does not have: {named}. Add them to "
            "bundle/catalogue/images.yml; what our roles leave out goes into `unused_images` of "
            "the manifest, with the reason."
        )


def _object_name(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata") or {}
    name = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    return f"{document.get('kind', 'object')} {name or '(no name)'}"


def _strings(value: Any, path: str, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield path, last key and text of every string in `value`."""
    if isinstance(value, str):
        yield path, key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _strings(item, f"{path}.{name}".lstrip("."), str(name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _strings(item, f"{path}[{number}]")

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendered objects: parsed strictly, checked, labelled and put in order."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import Kind
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

try:  # the same loader in C, ten times as fast, where PyYAML was built with libyaml
    from yaml import CSafeLoader as _BaseLoader
except ImportError:
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment] # the same interface

MANAGER = "biomax.platform"
COMPONENT_LABEL = "platform.biomax.ai/component"

Object = dict[str, Any]


@dataclass(frozen=True, order=True)
class Ref:
    """Identity of an object; its text form is ``Kind namespace/name``."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Ref:
        """Read the identity of an object."""
        metadata = item["metadata"]
        return cls(
            item["apiVersion"], item["kind"], metadata.get("namespace", ""), metadata["name"]
        )

    @property
    def full_name(self) -> str:
        """``namespace/name``, or only the name for cluster-wide objects."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.full_name}"


@dataclass(frozen=True)
class Component:
    """A named set of objects that is applied and made ready as one step.

    Attributes:
        name: Name of the role; it is the value of the component label.
        objects: Objects in the order in which they are applied.
    """

    name: str
    objects: tuple[Object, ...] = field(default=())


class _StrictLoader(_BaseLoader):
    """YAML without the two traps of the default loader: lost duplicate keys and guessed dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class declares it mutable
        first: [(tag, regexp) for tag, regexp in rows if tag != "tag:yaml.org,2002:timestamp"]
        for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuse a key that stands twice in one mapping."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {sorted(twice)[0]!r} stands twice", node.start_mark
            )
        return super().construct_mapping(node, deep=deep)


def parse_objects(text: str, source: str) -> list[Object]:
    """Parse the documents of one rendered template.

    Args:
        text: YAML with any number of documents; empty ones are passed over, ``List`` is unpacked.
        source: Name of the template, for messages.

    Returns:
        The objects in order.

    Raises:
        InputError: Not YAML, or a document is not a complete object.
    """
    return [check_object(item, source) for item in parse_documents(text, source)]


def parse_documents(text: str, source: str) -> list[Any]:
    """Parse the documents of a text as strictly as those of a template, whatever they hold.

    Args:
        text: YAML with any number of documents; empty ones are passed over, ``List`` is unpacked.
        source: Where the text comes from, for messages.

    Returns:
        The documents in order.

    Raises:
        InputError: Not YAML, or a key stands twice.
    """
    try:
        documents = list(yaml.load_all(text, Loader=_StrictLoader))
    except yaml.YAMLError as error:
        raise InputError(f"{source} is not valid YAML: {error}") from error
    return [item for item in _unpack(documents) if item is not None]


def _unpack(documents: Iterable[Any]) -> Iterator[Any]:
    for document in documents:
        if isinstance(document, Mapping) and document.get("kind") == "List":
            yield from document.get("items") or ()
        else:
            yield document


def check_object(item: Any, source: str) -> Object:
    """Return a parsed document that is a complete object.

    Args:
        item: The document.
        source: Where it comes from, for messages.

    Raises:
        InputError: It has no apiVersion, kind or name, or it declares a status.
    """
    if not isinstance(item, dict):
        raise InputError(f"{source}: expected an object with apiVersion and kind, found {item!r}.")
    metadata = item.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    for key, value in (("apiVersion", item.get("apiVersion")), ("kind", item.get("kind"))):
        if not isinstance(value, str) or not value:
            raise InputError(f"{source}: an object has no {key} (its name: {name!r}).")
    if not isinstance(name, str) or not name:
        raise InputError(
            f"{source}: {item['kind']} has no metadata.name; generated names cannot be compared."
        )
    if "status" in item:
        raise InputError(
            f"{source}: {item['kind']} {name} declares a status; only the cluster writes it."
        )
    return item


def kind_of(item: Mapping[str, Any], kinds: Mapping[tuple[str, str], Kind]) -> Kind | None:
    """Look up the kind of an object, None when it is not known yet."""
    return kinds.get((item["apiVersion"], item["kind"]))


def finish(
    component: str, objects: Sequence[Object], kinds: Mapping[tuple[str, str], Kind]
) -> Component:
    """Label the objects of a component and put them in order.

    Args:
        component: Name of the component.
        objects: Parsed objects.
        kinds: All kinds that occur.

    Returns:
        The component: objects labelled with its name, ordered by the rank of their kind and,
        inside a rank, as written.

    Raises:
        InputError: An unknown kind, a missing or a needless namespace, or a foreign label value.
    """
    done = []
    for item in objects:
        ref, kind = Ref.of(item), kind_of(item, kinds)
        if kind is None:
            raise InputError(
                f"{component}: {ref} has the kind {ref.api_version} {ref.kind}, which neither the "
                "API server nor a CustomResourceDefinition of the components declares. Correct its "
                "apiVersion or kind, or list the component with its definition, too."
            )
        if kind.namespaced and not ref.namespace:
            raise InputError(f"{component}: {ref} needs metadata.namespace.")
        if ref.namespace and not kind.namespaced:
            raise InputError(f"{component}: {ref} is cluster-wide and cannot have a namespace.")
        done.append((kind.rank, _labelled(component, ref, item)))
    return Component(component, tuple(item for _, item in sorted(done, key=lambda row: row[0])))


def _labelled(component: str, ref: Ref, item: Object) -> Object:
    item = copy.deepcopy(item)
    labels = item["metadata"].setdefault("labels", {})
    if labels.get(COMPONENT_LABEL, component) != component:
        raise InputError(f"{component}: {ref} carries {COMPONENT_LABEL}={labels[COMPONENT_LABEL]}.")
    labels[COMPONENT_LABEL] = component
    if item["kind"] == "Secret" and "stringData" in item:
        # The server turns stringData into data and forgets it, so it could never be compared.
        data = item.setdefault("data", {})
        for key, value in item.pop("stringData").items():
            data[key] = base64.b64encode(str(value).encode()).decode()
    return item


def refuse_duplicates(components: Sequence[Component]) -> None:
    """Check that each object is declared once and each component named once.

    Raises:
        InputError: Something stands twice; the message names both places.
    """
    seen: dict[Ref, str] = {}
    names: set[str] = set()
    for component in components:
        if component.name in names:
            raise InputError(f"Component {component.name} is listed twice.")
        names.add(component.name)
        for item in component.objects:
            ref = Ref.of(item)
            if ref in seen:
                raise InputError(
                    f"{ref} is declared twice: in {seen[ref]} and in {component.name}."
                )
            seen[ref] = component.name

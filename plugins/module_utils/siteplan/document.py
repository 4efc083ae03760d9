# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan file: what stands in it, how it is read, which part binds which call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import (
    Approval,
    Row,
    changing,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import (
    Attributes,
    write_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

FORMAT = 1
CLUSTER = "cluster"  # stands for the host of what is done through the API endpoint

# Parts in the order in which site.yml carries them out.
BUNDLE, HOST, IMAGES = "bundle", "host", "images"
MEMBERSHIP, NODE_POOLS, COMPONENTS = "membership", "node_pools", "components"
SCHEMA = "schema"
PARTS = (BUNDLE, HOST, IMAGES, MEMBERSHIP, NODE_POOLS, COMPONENTS, SCHEMA)


@dataclass(frozen=True)
class Origin:
    """For which run a plan is: another run of these must not take it.

    Attributes:
        site: name of the site.
        inventory: sum of the inventory's files.
        limit: hosts that the run was limited to; empty for none.
        tags: chosen tags, sorted.
        skip_tags: left out tags, sorted.
        collection: version of this collection.
    """

    site: str
    inventory: str
    limit: str
    tags: tuple[str, ...]
    skip_tags: tuple[str, ...]
    collection: str

    def differences(self, other: Origin) -> list[str]:
        """Say in which points `other`, the run at hand, is not the run of this plan."""
        words = {
            "site": "it is for site {0}, this is {1}",
            "inventory": "the inventory's files changed since it was made ({0}, now {1})",
            "limit": "it was made with --limit {0}, this run has {1}",
            "tags": "it was made with --tags {0}, this run has {1}",
            "skip_tags": "it was made with --skip-tags {0}, this run has {1}",
            "collection": "it was made by collection version {0}, this is {1}",
        }
        mine, theirs = asdict(self), asdict(other)
        return [
            text.format(_words(mine[name]), _words(theirs[name]))
            for name, text in words.items()
            if mine[name] != theirs[name]
        ]


@dataclass(frozen=True)
class Part:
    """What one call of a run does on one host, or in the cluster.

    Attributes:
        name: one of PARTS.
        host: the host's name, or CLUSTER.
        rows: the steps as the module reported them.
        deferred: the host goes through the play that takes one member at a time.
        disruptive: units that a quorum stands on and that the steps touch.
        open_kinds: kinds of which an earlier step of the run may make further steps known.
    """

    name: str
    host: str
    rows: tuple[Row, ...]
    deferred: bool = False
    disruptive: tuple[str, ...] = ()
    open_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class SitePlan:
    """A plan: for which run, when it was made, what it does."""

    origin: Origin
    made: str
    parts: tuple[Part, ...]
    accept_derived: bool = False

    def part(self, name: str, host: str) -> Part:
        """Return a part; one that the plan does not have allows nothing."""
        return next(
            (part for part in self.parts if (part.name, part.host) == (name, host)),
            Part(name, host, ()),
        )

    def approval(self, name: str, host: str, source: str) -> Approval:
        """Return what the call `name` on `host` must keep to; `source` names the file."""
        part = self.part(name, host)
        return Approval(source, host, part.rows, self.accept_derived, part.open_kinds)

    @property
    def steps(self) -> int:
        """How many steps change something."""
        return sum(len(changing(part.rows)) for part in self.parts)

    def document(self, summary: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the file holds; `summary` is for readers and binds nothing."""
        return {
            "format": FORMAT,
            "made": self.made,
            "origin": asdict(self.origin),
            "accept_derived": self.accept_derived,
            "summary": dict(summary),
            "parts": [asdict(part) for part in self.parts],
        }


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Replace the plan file in one step; it names no secret, but it is nobody else's business."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    write_file(path, text.encode(), Attributes(mode=0o600))


def read(path: Path) -> SitePlan:
    """Read a plan file.

    Raises:
        InputError: it is not there, is no plan, or has another format.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"Reading the plan {path}: {error.strerror}. Make one with playbooks/plan.yml."
        ) from error
    except ValueError as error:
        raise InputError(f"Reading the plan {path}: it is no JSON ({error}).") from error
    found = given.get("format") if isinstance(given, Mapping) else None
    if found != FORMAT:
        raise InputError(
            f"Reading the plan {path}: its format is {found!r}, this release reads {FORMAT}. "
            "Make a new one with playbooks/plan.yml."
        )
    try:
        return _parsed(given)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"Reading the plan {path}: it is damaged ({error!r}). Make a new one."
        ) from error


def _parsed(given: Mapping[str, Any]) -> SitePlan:
    origin = given["origin"]
    parts = [
        Part(
            str(row["name"]),
            str(row["host"]),
            tuple(dict(step) for step in row["rows"]),
            bool(row["deferred"]),
            tuple(row["disruptive"]),
            tuple(row["open_kinds"]),
        )
        for row in given["parts"]
    ]
    accepted = given["accept_derived"] is True
    return SitePlan(
        Origin(
            site=str(origin["site"]),
            inventory=str(origin["inventory"]),
            limit=str(origin["limit"]),
            tags=tuple(origin["tags"]),
            skip_tags=tuple(origin["skip_tags"]),
            collection=str(origin["collection"]),
        ),
        str(given["made"]),
        tuple(parts),
        accepted,
    )


def inventory_sum(sources: Iterable[str]) -> str:
    """Return the sum of all files of an inventory, wherever the checkout is.

    Args:
        sources: what stands behind `-i`: directories, files, or lists of hosts as text.
    """
    total = hashlib.sha256()
    for source in sources:
        path = Path(source)
        if path.is_dir():
            files = [item for item in sorted(path.rglob("*")) if _is_read(item, path)]
            named: Sequence[tuple[str, bytes]] = [
                (str(item.relative_to(path)), item.read_bytes()) for item in files
            ]
        else:
            named = [(path.name, path.read_bytes() if path.is_file() else source.encode())]
        for name, content in named:
            total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def _is_read(item: Path, root: Path) -> bool:
    """Whether Ansible would read a file: hidden ones and editors' copies it does not."""
    names = item.relative_to(root).parts
    return item.is_file() and not any(n.startswith(".") or n.endswith("~") for n in names)


def _words(value: object) -> str:
    if isinstance(value, (tuple, list)):
        return ",".join(str(item) for item in value) or "none"
    return str(value) or "none"

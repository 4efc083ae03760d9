"""The commands `list` and `licences`: what a bundle holds, for a person or a script."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Annotated

import typer
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry, Index
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
)
from rich.console import Console
from rich.table import Table

from lab.builder.options import (
    BUNDLE_DIR,
    KEYS_DIR,
    BundleDir,
    KeysDir,
    PublicKey,
    console,
    read_public_key,
)
from lab.builder.progress import human_size

IN_PACKAGES = "In each Debian package: /usr/share/doc/NAME/copyright"


def list_entries(
    bundle: BundleDir = BUNDLE_DIR,
    keys_dir: KeysDir = KEYS_DIR,
    public_key: PublicKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,
) -> None:
    """Show what the bundle holds: name, version, size, licence, source."""
    index = load_verified_index(bundle, read_public_key(keys_dir, public_key))
    shown = _named(index)
    if as_json:
        typer.echo(json.dumps([entry.as_dict() for entry in shown], indent=1))
        return
    table = Table(box=None)
    for column in ("kind", "name", "version", "size", "licence", "source"):
        table.add_column(column, no_wrap=True, justify="right" if column == "size" else "left")
    for entry in shown:
        table.add_row(
            _kind(entry),
            entry.name,
            entry.version,
            human_size(entry.size),
            entry.licence,
            entry.source,
        )
    # A pipe gets whole lines, a terminal what fits it.
    wide = console if console.is_terminal else Console(width=240, highlight=False)
    wide.print(table)


def list_licences(
    bundle: BundleDir = BUNDLE_DIR, keys_dir: KeysDir = KEYS_DIR, public_key: PublicKey = None
) -> None:
    """Show what is under which licence; the same and more is in sbom.spdx.json of the bundle."""
    index = load_verified_index(bundle, read_public_key(keys_dir, public_key))
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in _named(index):
        licence = IN_PACKAGES if entry.kind == "apt" else entry.licence
        found[licence][_kind(entry)].append(entry.label)
    for licence, kinds in sorted(found.items()):
        console.print(licence, markup=False)
        for kind, labels in kinds.items():
            console.print(f"  {kind:8} {', '.join(labels)}", markup=False)


def _named(index: Index) -> list[Entry]:
    """Return the entries that a person knows by name, the most wanted first."""
    order = ("file", "image", "manifest", "apt")
    return [entry for kind in order for entry in index.of_kind(kind) if entry.version]


def _kind(entry: Entry) -> str:
    return "package" if entry.kind == "apt" else entry.kind

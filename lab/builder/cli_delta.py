"""The commands `diff`, `export` and `import`: from one bundle to the next, over any wire."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    Index,
    load_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

from lab.builder.delta import compare, export_delta, import_delta
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

Since = Annotated[Path, typer.Option(help="index.json of the bundle on the other side")]


def show_difference(
    old: Annotated[Path, typer.Argument(help="a bundle, or its index.json")],
    new: Annotated[Path, typer.Argument(help="a bundle, or its index.json")],
) -> None:
    """Show what NEW has that OLD has not, what differs, what is gone, and the bytes between."""
    _, before = _read(old)
    _, after = _read(new)
    found = compare(before, after)
    for entry in found.new:
        console.print(f"new      {entry.kind:8} {entry.label}", markup=False)
    for _, entry in found.changed:
        console.print(f"changed  {entry.kind:8} {entry.label}", markup=False)
    for entry in found.gone:
        console.print(f"gone     {entry.kind:8} {entry.label}", markup=False)
    console.print(
        f"{len(found.new)} new, {len(found.changed)} changed, {len(found.gone)} gone; "
        f"{len(found.sent)} files, {human_size(found.size)} to transfer"
    )


def export(
    since: Since,
    output: Annotated[Path, typer.Option(help="the delta, a tar file")],
    bundle: BundleDir = BUNDLE_DIR,
    keys_dir: KeysDir = KEYS_DIR,
    public_key: PublicKey = None,
) -> None:
    """Pack what turns the bundle of --since into this one."""
    new = load_verified_index(bundle, read_public_key(keys_dir, public_key))
    data, base = _read(since)
    size = export_delta(data, base, bundle, new, output)
    console.print(f"{output}: {human_size(size)}, applies to the bundle of {since}", markup=False)


def apply(
    delta: Annotated[Path, typer.Argument(help="what `export` wrote")],
    bundle: BundleDir = BUNDLE_DIR,
    keys_dir: KeysDir = KEYS_DIR,
    public_key: PublicKey = None,
) -> None:
    """Turn the bundle into the one that the delta leads to; cut, the old one stays."""
    index = import_delta(bundle, delta, read_public_key(keys_dir, public_key))
    console.print(f"{bundle}: {len(index.entries)} entries, as signed", markup=False)


def _read(path: Path) -> tuple[bytes, Index]:
    """Return the bytes and the content of an index; its signature is not looked at."""
    chosen = path / INDEX_NAME if path.is_dir() else path
    try:
        data = chosen.read_bytes()
    except OSError as error:
        raise InputError(
            f"Reading {chosen}: {error.strerror}. Give a bundle or its index."
        ) from error
    return data, load_index(data)

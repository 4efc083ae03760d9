"""What the commands of `lab/bundle` share: places, options, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from rich.console import Console

from lab.builder.artifacts import Arch
from lab.builder.context import Builder

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE_DIR = ROOT / "bundle" / "catalogue"
KEYS_DIR = ROOT / ".lab" / "keys"
BUNDLE_DIR = ROOT / ".lab" / "bundle"

console = Console(highlight=False, soft_wrap=True)
BuilderName = Annotated[str, typer.Option("--builder", help="source or upstream")]
StandIns = Annotated[
    list[str] | None,
    typer.Option("--from", help="HOST=URL: take what HOST publishes from there (repeat)"),
]
KeysDir = Annotated[Path, typer.Option("--keys", help="directory that `keys` filled")]
BundleDir = Annotated[Path, typer.Option("--bundle", help="directory of the bundle")]
PublicKey = Annotated[
    Path | None, typer.Option(help="key that signed it (default: bundle_signing.pub in --keys)")
]


def chosen_arch(arch: str) -> Arch:
    """Return the architecture called `arch`, or raise InputError."""
    if arch not in get_args(Arch):
        raise InputError(f"--arch {arch}: wanted one of {', '.join(get_args(Arch))}.")
    return cast(Arch, arch)


def chosen_builder(builder: str) -> Builder:
    """Return the builder called `builder`, or raise InputError."""
    if builder not in get_args(Builder):
        raise InputError(f"--builder {builder}: wanted one of {', '.join(get_args(Builder))}.")
    return cast(Builder, builder)


def read_public_key(keys_dir: Path, path: Path | None) -> str:
    """Return the text of the key at `path`, by default the one in `keys_dir`."""
    chosen = path or keys_dir / "bundle_signing.pub"
    try:
        return chosen.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"Reading the public key {chosen}: {error.strerror}. Make the keys with "
            "`lab/bundle keys`, or name the key with --public-key."
        ) from error

"""Command line of the bundle builder: `lab/bundle build | verify | list | keys`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from rich.console import Console

from lab.builder.keys import Mirror, make_keys

ROOT = Path(__file__).resolve().parents[2]
KEYS_DIR = ROOT / ".lab" / "keys"
BUNDLE_DIR = ROOT / ".lab" / "bundle"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False, soft_wrap=True)
KeysDir = Annotated[Path, typer.Option("--keys", help="directory that `keys` filled")]
BundleDir = Annotated[Path, typer.Option("--bundle", help="directory of the bundle")]


@app.callback()
def _options() -> None:
    """Build and check the bundle: everything a site installs, in one signed directory."""


@app.command()
def keys(
    directory: Annotated[Path, typer.Option("--dir", help="where the keys live")] = KEYS_DIR,
    mirror: Annotated[
        list[str] | None, typer.Option(help="name=address of a mirror host (repeat for more)")
    ] = None,
) -> None:
    """Make the keys a site needs; what exists is never overwritten."""
    made = make_keys(directory, [Mirror.parse(text) for text in mirror or []])
    for name, new in made.items():
        console.print(f"{name:16} {'made' if new else 'kept'}")
    console.print(f"keys are in {directory}")


def main() -> int:
    """Run the command line; return its exit code. A PlatformError is one message, no traceback."""
    try:
        app()
    except PlatformError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", markup=False)
        return 1
    return 0

"""Command line of the bundle builder: `lab/bundle build | verify | list | keys`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from rich.console import Console

from lab.builder.build import run_build
from lab.builder.cache import default_root
from lab.builder.catalogue import Catalogue, load_catalogue
from lab.builder.check import check_bundle
from lab.builder.cli_delta import apply, export, show_difference
from lab.builder.cli_list import list_entries, list_licences
from lab.builder.cli_lock import lock
from lab.builder.context import Settings
from lab.builder.keys import Mirror, make_keys
from lab.builder.options import (
    BUNDLE_DIR,
    CATALOGUE_DIR,
    KEYS_DIR,
    ROOT,
    BuilderName,
    BundleDir,
    KeysDir,
    PublicKey,
    StandIns,
    chosen_arch,
    chosen_builder,
    console,
    read_public_key,
)
from lab.builder.progress import human_size
from lab.builder.reproducible import check_reproducible as check
from lab.builder.upstream.sources import parse_sources

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("list")(list_entries)
app.command("licences")(list_licences)
app.command("lock")(lock)
app.command("diff")(show_difference)
app.command("export")(export)
app.command("import")(apply)


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


@app.command()
def build(  # noqa: PLR0913, PLR0917 - each argument is an option of the command line
    output: Annotated[Path, typer.Option(help="where the bundle goes")] = BUNDLE_DIR,
    keys_dir: KeysDir = KEYS_DIR,
    cache_dir: Annotated[Path | None, typer.Option(help="cache (default: the user's)")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="a program, file, image or `packages` (repeat for more)"),
    ] = None,
    arch: Annotated[str, typer.Option(help="architecture of the hosts")] = "amd64",
    locked: Annotated[bool, typer.Option(help="refuse to change bundle/lock")] = False,
    update_lock: Annotated[bool, typer.Option(help="take today's package versions")] = False,
    builder: BuilderName = "source",
    stand_ins: StandIns = None,
    check_reproducible: Annotated[
        bool, typer.Option(help="build twice from clean caches and compare; publishes nothing")
    ] = False,
) -> None:
    """Build the bundle: compile, collect, make images, sign. What is cached is reused."""
    settings = Settings(
        ROOT,
        output,
        keys_dir,
        chosen_arch(arch),
        locked,
        update_lock,
        builder=chosen_builder(builder),
        taken_from=parse_sources(stand_ins or []).stand_ins,
    )
    if only and output == BUNDLE_DIR and not check_reproducible:
        raise InputError(f"--only makes a part of a bundle, {output} is whole: give --output too.")
    full = load_catalogue(CATALOGUE_DIR)
    chosen = full.only(set(only)) if only else full
    started = time.monotonic()
    if check_reproducible:
        _compare_two_builds(settings, full, chosen, cache_dir or default_root())
        return
    outcome = run_build(settings, full, chosen, cache_dir or default_root(), console)
    state = "built" if outcome.changed else "unchanged"
    console.print(
        f"{output}: {state}, {outcome.files} files, {human_size(outcome.size)}, "
        f"{outcome.steps} steps ({outcome.reused} from the cache) in "
        f"{time.monotonic() - started:.1f} s",
        markup=False,
    )


def _compare_two_builds(
    settings: Settings, full: Catalogue, chosen: Catalogue, cache_dir: Path
) -> None:
    started = time.monotonic()
    scratch = cache_dir.with_name(f"{cache_dir.name}-reproducible")
    compared = check(settings, full, chosen, console, scratch)
    for item in compared:
        line = f"same       {item.label}  {item.first}"
        if not item.same:
            line = f"DIFFERENT  {item.label}  {item.first or 'missing'}  {item.second or 'missing'}"
        console.print(line, markup=False)
    different = [item for item in compared if not item.same]
    console.print(
        f"{len(compared)} artifacts built twice, {len(different)} differ, "
        f"{time.monotonic() - started:.0f} s"
    )
    if different or not compared:
        raise typer.Exit(1)


@app.command()
def verify(
    bundle: BundleDir = BUNDLE_DIR, keys_dir: KeysDir = KEYS_DIR, public_key: PublicKey = None
) -> None:
    """Check the signature and every byte of the bundle; exit 1 when anything is wrong."""
    started = time.monotonic()
    with console.status("signature") as status:
        index, problems = check_bundle(
            bundle, read_public_key(keys_dir, public_key), lambda entry: status.update(entry.path)
        )
    for problem in problems:
        console.print(f"WRONG  {problem}", markup=False)
    files = [entry for entry in index.entries if entry.kind != "image"]
    size = human_size(sum(entry.size for entry in files))
    verdict = f"{len(problems)} problems" if problems else "good"
    console.print(
        f"{bundle}: {verdict}; {len(files)} files, {size} in {time.monotonic() - started:.1f} s",
        markup=False,
    )
    if problems:
        raise typer.Exit(1)


def main() -> int:
    """Run the command line; return its exit code. A PlatformError is one message, no traceback."""
    try:
        app()
    except PlatformError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", markup=False)
        return 1
    return 0

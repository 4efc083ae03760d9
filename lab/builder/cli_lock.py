"""The command `lab/bundle lock`: look up what upstream publishes, show what changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.builder.cache import Cache, default_root
from lab.builder.catalogue import load_catalogue
from lab.builder.lockfile import write_lock
from lab.builder.options import CATALOGUE_DIR, ROOT, StandIns, chosen_arch, console
from lab.builder.progress import Progress
from lab.builder.upstream.builder import PARTS
from lab.builder.upstream.download import Downloader
from lab.builder.upstream.lock import load_upstream_lock, lock_path
from lab.builder.upstream.registry import Registry
from lab.builder.upstream.resolve import Resolver, difference
from lab.builder.upstream.sources import parse_sources


def lock(
    arch: Annotated[str, typer.Option(help="architecture of the hosts")] = "amd64",
    renew: Annotated[bool, typer.Option(help="look everything up again")] = False,
    stand_ins: StandIns = None,
    cache_dir: Annotated[Path | None, typer.Option(help="cache (default: the user's)")] = None,
) -> None:
    """Look up digests of images and sums that upstream publishes nowhere; print what changes."""
    sources = parse_sources(stand_ins or [])
    sources.check_for_lock()
    chosen = chosen_arch(arch)
    path = lock_path(ROOT, chosen)
    old = load_upstream_lock(path)
    cache = Cache(cache_dir or default_root())
    with cache.lock():
        registry = Registry(Downloader(cache.root / PARTS), sources.locate)
        resolver = Resolver(registry, Progress(console))
        new = resolver.resolve(load_catalogue(CATALOGUE_DIR), chosen, old, renew=renew)
    name = str(path.relative_to(ROOT))
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    changes = difference(before, new.text(), name)
    if not changes:
        console.print(f"{name}: unchanged, {len(new.images)} images, {len(new.files)} files")
        return
    write_lock(path, new.text())
    for line in changes:
        console.print(line, markup=False)
    console.print(
        f"{name}: written. Compare each + line with what the project itself says (release notes, "
        "another network), then commit it; `build --builder upstream` trusts it.",
        markup=False,
    )

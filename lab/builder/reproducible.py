"""The same inputs built twice from clean caches, in two places: are the bytes the same?"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry, load_index
from rich.console import Console

from lab.builder.build import run_build
from lab.builder.catalogue import Catalogue
from lab.builder.context import Settings

INPUTS = ("bundle", "programs")  # what a build reads of a checkout


@dataclass(frozen=True)
class Comparison:
    """One artifact and the sums that the two builds gave it ("" when one did not have it)."""

    label: str
    first: str
    second: str

    @property
    def same(self) -> bool:
        """Return whether both builds gave the same bytes."""
        return self.first == self.second


def check_reproducible(
    settings: Settings, full: Catalogue, catalogue: Catalogue, console: Console, scratch: Path
) -> list[Comparison]:
    """Build programs, files and images of `catalogue` twice and return how they compare.

    The two builds share only the verified module sources: each has its own checkout path, compiler
    cache and downloads. The Debian repository is left out, since a gpg signature holds its time;
    packages that go into images are in.

    Args:
        settings: `root` and `keys` are used, the bundle at `output` is not touched.
        full: the whole catalogue.
        catalogue: what to compare.
        console: shows the progress.
        scratch: directory for both builds (about 4 GiB each for everything); removed at the end.
    """
    hosts_left_out = catalogue.packages.model_copy(update={"roots": ()})
    chosen = catalogue.model_copy(update={"packages": hosts_left_out})
    scratch.mkdir(parents=True, exist_ok=True)
    places = [Path(tempfile.mkdtemp(prefix=f"reproducible-{n}-", dir=scratch)) for n in (1, 2)]
    try:
        for place in places:  # both copies first: an edit during the first build must not show
            for name in INPUTS:
                shutil.copytree(settings.root / name, place / "checkout" / name)
        first, second = (_build(settings, full, chosen, console, place) for place in places)
    finally:
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
    labels = sorted(first.keys() | second.keys())
    return [Comparison(name, first.get(name, ""), second.get(name, "")) for name in labels]


def _build(
    settings: Settings, full: Catalogue, chosen: Catalogue, console: Console, place: Path
) -> dict[str, str]:
    """Build the copy in `place`, which is emptied after; return label -> sum of each artifact."""
    console.print(f"build from a clean cache in {place}", markup=False)
    output = place / "bundle"
    own = replace(settings, root=place / "checkout", output=output, update_lock=False)
    run_build(own, full, chosen, place / "cache", console)
    index = load_index((output / "index.json").read_bytes())
    shutil.rmtree(place)
    entries = (*index.of_kind("file"), *index.of_kind("image"))
    return {f"{entry.kind} {entry.label}": _sum(entry) for entry in entries}


def _sum(entry: Entry) -> str:
    return entry.digest or f"sha256:{entry.sha256}"

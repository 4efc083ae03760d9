"""What every part of a build shares: where it reads and writes, the cache, the progress shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from lab.builder.artifacts import Arch, File
from lab.builder.cache import Cache
from lab.builder.catalogue import Catalogue
from lab.builder.progress import Progress, Step

Builder = Literal["source", "upstream"]


@dataclass(frozen=True)
class Settings:
    """Choices of one build.

    `root` is the checkout, `keys` the directory that `keys` filled, `apt_dir` where this machine
    keeps its apt sources. `locked` refuses to change the package lock, `update_lock` resolves it
    anew. `builder` compiles, or takes what upstream published; then `taken_from` maps a host to
    the address that stands in for it.
    """

    root: Path
    output: Path
    keys: Path
    arch: Arch
    locked: bool = False
    update_lock: bool = False
    apt_dir: Path = Path("/etc/apt")
    builder: Builder = "source"
    taken_from: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """One build over `catalogue`; `full` is the whole catalogue when only a part is built."""

    settings: Settings
    full: Catalogue
    catalogue: Catalogue
    cache: Cache
    progress: Progress

    def cached(self, kind: str, key: str, text: str, recipe: Callable[[Path], None]) -> Path:
        """Return the result for `key`, made now by `recipe` (shown as `text`) when it is new."""
        return self.noted(kind, key, text, lambda work, _step: recipe(work))

    def noted(self, kind: str, key: str, text: str, recipe: Callable[[Path, Step], None]) -> Path:
        """Do as `cached`; `recipe` also gets the step, whose note says how far it is."""
        if found := self.cache.find(kind, key):
            self.progress.reuse()
            return found
        with self.progress.step(text) as step:
            return self.cache.make(kind, key, lambda work: recipe(work, step))

    def over(self, catalogue: Catalogue) -> Context:
        """Return the same build over another part of the catalogue."""
        return replace(self, catalogue=catalogue)

    def origin_of(self, file: File) -> str:
        """Return what the index says of where `file` came from."""
        settings = self.settings
        if settings.builder == "source" or self.full.compiled_by_both(file) or not file.upstream:
            return self.full.program(file.program).source
        return f"downloaded from {file.upstream.url_for(settings.arch)}"

    def sum_of(self, path: Path) -> str:
        """Return the sum of a file of a result as it was when made, without reading it again."""
        return self.cache.sums(path.parent)[path.name]

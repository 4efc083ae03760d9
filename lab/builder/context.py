"""What every part of a build shares: where it reads and writes, the cache, the progress shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.builder.cache import Cache
from lab.builder.catalogue import Arch, Catalogue
from lab.builder.progress import Progress


@dataclass(frozen=True)
class Settings:
    """Choices of one build.

    `root` is the checkout, `keys` the directory that `keys` filled, `apt_dir` where this machine
    keeps its apt sources. `locked` refuses to change the package lock, `update_lock` resolves it
    anew.
    """

    root: Path
    output: Path
    keys: Path
    arch: Arch
    locked: bool = False
    update_lock: bool = False
    apt_dir: Path = Path("/etc/apt")


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
        if found := self.cache.find(kind, key):
            self.progress.reuse()
            return found
        with self.progress.step(text):
            return self.cache.make(kind, key, recipe)

    def sum_of(self, path: Path) -> str:
        """Return the sum of a file of a result as it was when made, without reading it again."""
        return self.cache.sums(path.parent)[path.name]

"""Content-keyed cache: the result of a recipe, found again by the hash of everything it read."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError

KEEP_SECONDS = 30 * 24 * 3600  # results that no build has used for so long are removed
SUMS = ".sums.json"  # in each result: relative path -> sha256, written before the result appears


def default_root() -> Path:
    """Return the user's cache directory for bundles (XDG_CACHE_HOME or ~/.cache)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "biomax-platform" / "bundle"


def key_of(*parts: Any) -> str:
    """Return a key for a recipe: the hash of `parts`, which must be plain JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def tree_key(directory: Path, skip_suffix: str = "_test.go") -> str:
    """Return the hash of the names and contents of all files below `directory`.

    Files whose name ends in `skip_suffix` are left out: they do not reach a program.
    """
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return key_of(
        *(
            [str(path.relative_to(directory)), sha256_file(path)]
            for path in files
            if not path.name.endswith(skip_suffix)
        )
    )


class Cache:
    """Results below `root/<kind>/<key>/`; each appears by one rename, so a cut leaves no half."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, kind: str, key: str) -> Path | None:
        """Return the directory of a finished result, or None."""
        path = self.root / kind / key
        try:
            os.utime(path / SUMS)  # remembers the last use
        except FileNotFoundError:
            return None
        return path

    def make(self, kind: str, key: str, recipe: Callable[[Path], None]) -> Path:
        """Return the result for `key`; `recipe` fills an empty directory when there is none."""
        if found := self.find(kind, key):
            return found
        parent = self.root / kind
        parent.mkdir(parents=True, exist_ok=True)
        (self.root / "tmp").mkdir(exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=self.root / "tmp"))
        try:
            recipe(work)
            files = sorted(path for path in work.rglob("*") if path.is_file())
            sums = {str(path.relative_to(work)): sha256_file(path) for path in files}
            (work / SUMS).write_text(json.dumps(sums, sort_keys=True), encoding="utf-8")
            work.chmod(0o755)
            work.rename(parent / key)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return parent / key

    def sums(self, result: Path) -> dict[str, str]:
        """Return the sums of the files of `result` as they were when it was made."""
        sums: dict[str, str] = json.loads((result / SUMS).read_text(encoding="utf-8"))
        return sums

    def drop(self, result: Path) -> None:
        """Remove a result that turned out to be damaged; the next build makes it again."""
        shutil.rmtree(result)

    def prune(self, now: float) -> list[Path]:
        """Remove results last used more than KEEP_SECONDS before `now`; return them."""
        old = [
            path.parent
            for path in self.root.glob(f"*/*/{SUMS}")
            if now - path.stat().st_mtime > KEEP_SECONDS
        ]
        for result in old:
            self.drop(result)
        return old

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the cache for one build; UnsafeError names the process that has it."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a+", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                stream.seek(0)
                raise UnsafeError(
                    f"Another build uses the cache {self.root}: process {stream.read().strip()}. "
                    "Wait for it to end, then run the command again."
                ) from error
            stream.truncate(0)
            stream.write(f"{os.getpid()}\n")
            stream.flush()
            shutil.rmtree(self.root / "tmp", ignore_errors=True)  # of builds that were cut
            yield

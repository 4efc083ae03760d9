"""A bundle put together beside the old one: index and signature last, then one rename."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    Entry,
    Index,
    dump_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.signature import NAMESPACE
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
    sha256_file,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    PlatformError,
    UnsafeError,
)

from lab.builder.cache import key_of
from lab.builder.keys import run_tool


@dataclass(frozen=True)
class Item:
    """A file of the bundle: what the index says and where its bytes come from.

    `result` is the cache result that holds `source`, dropped when its bytes are damaged.
    """

    entry: Entry
    source: Path
    result: Path
    mode: int = 0o644


class Damaged(PlatformError):
    """Files of the cache are not what they were when they were made; `results` hold them."""

    def __init__(self, results: set[Path]) -> None:
        super().__init__(f"damaged in the cache: {', '.join(str(path) for path in results)}")
        self.results = results


def publish(output: Path, items: list[Item], index: Index, keys: Path, state: Path) -> bool:
    """Make `output` the bundle of `index`.

    Args:
        output: replaced by one rename; must be missing, empty or a bundle.
        items: every file of the bundle except the index and its signature.
        index: complete index, images included.
        keys: directory with the signing key.
        state: directory that remembers what was published, so that nothing is hashed twice.

    Returns:
        Whether anything changed.

    Raises:
        Damaged: a cached file has other bytes than when it was made.
        UnsafeError: `output` holds something that is no bundle.
    """
    data = dump_index(index)
    record = state / f"{key_of(str(output.resolve()))}.json"
    if _unchanged(output, data, keys, record):
        return False
    put_together(output, items, data, lambda path: _sign(path, keys))
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(_stats(output)), encoding="utf-8")
    return True


def put_together(
    output: Path, items: list[Item], index: bytes, sign: Callable[[Path], None]
) -> None:
    """Make a bundle of `items` beside `output` and put it in its place by a rename.

    Args:
        output: must be missing, empty or a bundle.
        items: every file of the bundle except the index and its signature.
        index: the bytes of the index.
        sign: puts the signature beside the index whose path it gets.

    Raises:
        Damaged: a source has other bytes than its entry says; `output` was left as it is.
        UnsafeError: `output` holds something that is no bundle.
    """
    recover(output)
    if output.exists() and any(output.iterdir()) and not (output / INDEX_NAME).exists():
        raise UnsafeError(
            f"{output} is not empty and holds no bundle ({INDEX_NAME} is missing). It would be "
            "replaced: give another directory, or move its content away."
        )
    work = output.with_name(f"{output.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    _fill(work, items)
    (work / INDEX_NAME).write_bytes(index)
    sign(work / INDEX_NAME)
    _replace(output, work)


def recover(output: Path) -> None:
    """Put back the bundle that a run cut between the two renames had moved aside."""
    old = output.with_name(f"{output.name}.old")
    if old.exists() and not output.exists():
        old.rename(output)


def _fill(work: Path, items: list[Item]) -> None:
    """Link (or copy) every item into `work` and check its bytes there."""
    damaged: set[Path] = set()
    for item in items:
        target = work / item.entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(item.source, target)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(item.source, target)
        target.chmod(item.mode)
        if sha256_file(target) != item.entry.sha256:
            damaged.add(item.result)
    if damaged:
        shutil.rmtree(work)
        raise Damaged(damaged)


def _sign(path: Path, keys: Path) -> None:
    key = keys / "bundle_signing"
    if not key.is_file():
        raise InputError(f"{key} does not exist: make the keys first with `lab/bundle keys`.")
    run_tool("ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(path))


def _replace(output: Path, work: Path) -> None:
    """Put `work` in the place of `output`; cut in between, `recover` puts the old one back."""
    old = output.with_name(f"{output.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if output.exists():
        output.rename(old)
    work.rename(output)
    shutil.rmtree(old, ignore_errors=True)


def _unchanged(output: Path, data: bytes, keys: Path, record: Path) -> bool:
    """Return whether `output` is this very bundle, untouched since it was published."""
    try:
        if (output / INDEX_NAME).read_bytes() != data:
            return False
        load_verified_index(output, (keys / "bundle_signing.pub").read_text(encoding="utf-8"))
        return bool(json.loads(record.read_text(encoding="utf-8")) == _stats(output))
    except (OSError, ValueError, IntegrityError):
        return False


def _stats(directory: Path) -> dict[str, list[int]]:
    """Return for each file what changes when its bytes do: inode, size and times in ns."""
    result = {}
    for path in sorted(directory.rglob("*")):
        if not path.is_dir():
            found = path.lstat()
            times = [found.st_mtime_ns, found.st_ctime_ns]
            result[str(path.relative_to(directory))] = [found.st_ino, found.st_size, *times]
    return result

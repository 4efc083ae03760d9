"""The difference of two bundles: shown, packed into one file, and applied on the other side.

A delta is a tar file: the new index and its signature, the sum of the index that it starts from,
then every file that the old bundle lacks, named by its sum.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.batches import add_file
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    SIGNATURE_NAME,
    Entry,
    Index,
    load_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.signature import (
    verify_signature_bytes,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import write_error
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)

from lab.builder.assemble import Damaged, Item, put_together, recover

BASE_NAME = "base.sha256"  # member with the sum of the index that the delta starts from
EXECUTABLE = 0o755


@dataclass(frozen=True)
class Difference:
    """What a newer index has, and what it has no more.

    `changed` pairs the old with the new entry of one kind, name and version. `sent` has one entry
    for each sum that the old bundle lacks.
    """

    new: tuple[Entry, ...]
    changed: tuple[tuple[Entry, Entry], ...]
    gone: tuple[Entry, ...]
    sent: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Return how many bytes have to be transferred."""
        return sum(entry.size for entry in self.sent)


def compare(old: Index, new: Index) -> Difference:
    """Return how the bundle of `new` differs from that of `old`."""
    before = {entry.key: entry for entry in old.entries}
    after = {entry.key: entry for entry in new.entries}
    held = {entry.sha256 for entry in old.entries if entry.kind != "image"}
    sent: dict[str, Entry] = {}
    for entry in new.entries:
        if entry.kind != "image" and entry.sha256 not in held:
            sent.setdefault(entry.sha256, entry)
    return Difference(
        new=tuple(entry for key, entry in after.items() if key not in before),
        changed=tuple(
            (before[key], entry)
            for key, entry in after.items()
            if key in before and _bytes_of(before[key]) != _bytes_of(entry)
        ),
        gone=tuple(entry for key, entry in before.items() if key not in after),
        sent=tuple(sent.values()),
    )


def _bytes_of(entry: Entry) -> str:
    return entry.digest or entry.sha256


def export_delta(base_index: bytes, base: Index, bundle: Path, new: Index, output: Path) -> int:
    """Write to `output` what turns the bundle of `base_index` into the bundle in `bundle`.

    Args:
        base_index: the bytes of the index on the other side.
        base: the same, parsed.
        bundle: the new bundle.
        new: its verified index.
        output: the delta; appears by one rename.

    Returns:
        The size of the delta in bytes.

    Raises:
        IntegrityError: a file of `bundle` is missing or has another size.
    """
    work = output.with_name(f"{output.name}.new")
    start = hashlib.sha256(base_index).hexdigest()
    try:
        with tarfile.open(work, "w", format=tarfile.GNU_FORMAT) as archive:
            for name in (INDEX_NAME, SIGNATURE_NAME):
                _add_bytes(archive, name, (bundle / name).read_bytes())
            _add_bytes(archive, BASE_NAME, start.encode())
            for entry in compare(base, new).sent:
                add_file(archive, bundle, entry)
        work.replace(output)
    except OSError as error:
        raise write_error(output, error) from error
    finally:
        work.unlink(missing_ok=True)
    return output.stat().st_size


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def import_delta(bundle: Path, delta: Path, public_key: str) -> Index:
    """Turn `bundle` into the bundle that `delta` leads to; the old one stays until it is whole.

    Args:
        bundle: the base; replaced by one rename.
        delta: what `export_delta` wrote.
        public_key: the key that must have signed both indexes.

    Returns:
        The new index.

    Raises:
        InputError: the delta cannot be read, or starts from another bundle.
        IntegrityError: delta or base are damaged, or not signed by the key; `bundle` is as before.
    """
    recover(bundle)
    base = load_verified_index(bundle, public_key)
    try:
        with (
            _opened(delta) as archive,
            tempfile.TemporaryDirectory(dir=bundle.parent, prefix=f"{bundle.name}.delta-") as path,
        ):
            work = Path(path)
            index, signature = _read_head(archive, delta, bundle, public_key)
            new = load_index(index)
            received = _unpack(archive, delta, compare(base, new).sent, work)

            def sign(path: Path) -> None:
                path.with_name(SIGNATURE_NAME).write_bytes(signature)

            put_together(bundle, _items(bundle, base, new, received), index, sign)
    except tarfile.TarError as error:
        raise _cut(delta, str(error)) from error
    except Damaged as error:
        damaged = ", ".join(sorted(str(path) for path in error.results))
        raise IntegrityError(
            f"Applying {delta} to {bundle}: these files have other sums than the signed index "
            f"says: {damaged}. {bundle} was left as it is. Run `lab/bundle verify` on it; if it "
            "is good, transfer the delta again."
        ) from error
    return new


def _opened(delta: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(delta, "r:")
    except OSError as error:
        raise InputError(
            f"Reading {delta}: {error.strerror}. Give the file that `lab/bundle export` wrote."
        ) from error


def _read_head(
    archive: tarfile.TarFile, delta: Path, bundle: Path, public_key: str
) -> tuple[bytes, bytes]:
    """Return the bytes of the new index and of its signature, verified; refuse a wrong base."""
    parts = dict.fromkeys((INDEX_NAME, SIGNATURE_NAME, BASE_NAME), b"")
    for name in parts:
        member = archive.next()
        stream = archive.extractfile(member) if member and member.name == name else None
        if stream is None:
            raise _cut(delta, f"{name} is not where it belongs")
        parts[name] = stream.read()
    verify_signature_bytes(
        parts[INDEX_NAME], parts[SIGNATURE_NAME], public_key, f"{INDEX_NAME} in {delta}"
    )
    found = hashlib.sha256((bundle / INDEX_NAME).read_bytes()).hexdigest()
    if parts[BASE_NAME].decode("ascii", "replace") != found:
        raise InputError(
            f"{delta} starts from the bundle whose {INDEX_NAME} has the sum "
            f"{parts[BASE_NAME].decode('ascii', 'replace')}; {bundle} has {found}. Nothing was "
            "changed. Export a delta with --since this bundle's index, or transfer the whole."
        )
    return parts[INDEX_NAME], parts[SIGNATURE_NAME]


def _unpack(
    archive: tarfile.TarFile, delta: Path, wanted: tuple[Entry, ...], work: Path
) -> dict[str, Path]:
    """Return the files that came, by sum; their bytes are checked when they take their places."""
    names = {entry.sha256 for entry in wanted}
    received: dict[str, Path] = {}
    while (member := archive.next()) is not None:
        stream = archive.extractfile(member) if member.isfile() else None
        if member.name not in names or stream is None:
            raise _cut(delta, f"member {member.name!r} is no file that the base lacks")
        received[member.name] = work / member.name
        try:
            with received[member.name].open("wb") as target:
                while chunk := stream.read(1024 * 1024):
                    target.write(chunk)
        except OSError as error:
            raise write_error(received[member.name], error) from error
    if lacking := names - set(received):
        raise _cut(delta, f"{len(lacking)} of {len(names)} files are missing")
    return received


def _items(bundle: Path, base: Index, new: Index, received: dict[str, Path]) -> list[Item]:
    old = {entry.sha256: bundle / entry.path for entry in base.entries if entry.kind != "image"}
    items = []
    for entry in new.entries:
        if entry.kind != "image":
            source = received.get(entry.sha256) or old[entry.sha256]
            binary = entry.install.get("type") == "binary"
            items.append(Item(entry, source, source, EXECUTABLE if binary else 0o644))
    return items


def _cut(delta: Path, found: str) -> IntegrityError:
    return IntegrityError(
        f"Reading {delta}: {found}. It was cut or altered on its way; the bundle was left as it "
        "is. Transfer the delta again."
    )

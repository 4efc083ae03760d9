"""The index: what is written is read back, what is not well formed is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    Entry,
    Index,
    dump_index,
    load_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SUM = "0" * 64
_names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
_sums = st.text("0123456789abcdef", min_size=64, max_size=64)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Any entry of any kind that the builder may write."""
    kind = draw(st.sampled_from(["apt", "blob", "file", "manifest", "image", "sbom"]))
    name = st.text("abcdef0123456789-_.", min_size=1).filter(lambda text: text.strip("."))
    entry = Entry(
        kind,
        draw(_names),
        f"{kind}/{draw(name)}",
        draw(st.integers(0, 2**50)),
        draw(st.text(max_size=8)),
        licence=draw(st.text(max_size=8)),
    )
    if kind == "image":
        return replace(entry, digest=f"sha256:{draw(_sums)}")
    members = draw(st.dictionaries(_names, _sums, max_size=3)) if kind == "file" else {}
    install = {"type": "archive", "members": {n: n for n in members}} if members else {}
    return replace(entry, sha256=draw(_sums), install=install, member_sha256=members)


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(entries(), unique_by=(lambda entry: entry.key, lambda entry: entry.path)),
    st.sampled_from(["source", "upstream"]),
)
def test_round_trip(listed: list[Entry], builder: str) -> None:
    index = Index(builder, "amd64", tuple(listed))
    data = dump_index(index)
    read = load_index(data)
    assert read == Index(builder, "amd64", tuple(sorted(listed, key=lambda entry: entry.key)))
    assert dump_index(read) == data
    assert data.endswith(b"}\n")


@settings(deadline=None)  # the machine may be busy
@given(st.lists(entries(), min_size=1, unique_by=(lambda e: e.key, lambda e: e.path)), st.data())
def test_only_the_canonical_order_is_read(listed: list[Entry], data: st.DataObject) -> None:
    document = json.loads(dump_index(Index("source", "amd64", tuple(listed))))
    shuffled = data.draw(st.permutations(document["entries"]))
    ordered = shuffled == document["entries"]
    document["entries"] = shuffled
    text = json.dumps(document).encode()
    if ordered:
        load_index(text)
    else:
        with pytest.raises(IntegrityError, match="not sorted and unique"):
            load_index(text)


def _document(**changes: Any) -> bytes:
    entry = {"kind": "file", "name": "a", "version": "1", "path": "f/a", "sha256": SUM, "size": 1}
    for name, value in changes.items():
        if value is None:
            del entry[name]
        else:
            entry[name] = value
    return json.dumps(
        {"format": 1, "builder": "source", "arch": "amd64", "entries": [entry]}
    ).encode()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"path": "../etc/passwd"}, "does not stay inside the bundle"),
        ({"path": "/etc/passwd"}, "does not stay inside the bundle"),
        ({"path": "f//a"}, "does not stay inside the bundle"),
        ({"path": ""}, "does not stay inside the bundle"),
        ({"sha256": "0" * 63}, "64 lower-case hexadecimal"),
        ({"sha256": "A" * 64}, "64 lower-case hexadecimal"),
        ({"sha256": None}, "64 lower-case hexadecimal"),
        ({"kind": "image", "digest": SUM, "sha256": None}, "64 lower-case hexadecimal"),
        ({"member_sha256": {"a": 5}}, "64 lower-case hexadecimal"),
        ({"size": -1}, "below zero"),
        ({"size": "1"}, "wanted int"),
        ({"size": True}, "wanted int"),
        ({"kind": "program"}, "kind is one of"),
        ({"name": None}, "missing keys .'name'."),
        ({"mode": "0755"}, "unknown keys .'mode'."),
    ],
)
def test_malformed_entries_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(IntegrityError, match=message):
        load_index(_document(**changes))


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", IntegrityError, "not JSON"),
        (b"\xff", IntegrityError, "not JSON"),
        (b"[]", IntegrityError, "no object"),
        (b'{"format": 1, "format": 1}', IntegrityError, "key is repeated"),
        (b'{"format": 2}', InputError, "has format 2, this release reads format 1"),
        (b'{"format": 1, "builder": "x", "arch": "amd64", "entries": []}', IntegrityError, "build"),
        (b'{"format": 1, "builder": "source", "entries": []}', IntegrityError, "architecture"),
        (
            b'{"format": 1, "builder": "source", "arch": "amd64", "entries": [1]}',
            IntegrityError,
            "entry 0 is no object",
        ),
    ],
)
def test_malformed_documents_are_refused(data: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load_index(data)


def test_two_entries_may_not_share_a_path() -> None:
    pair = (
        Entry("file", "a", "f/a", 1, sha256=SUM),
        Entry("file", "b", "f/a", 1, sha256=SUM),
    )
    with pytest.raises(IntegrityError, match="share a path: f/a"):
        load_index(dump_index(Index("source", "amd64", pair)))


def _index() -> Index:
    return Index(
        "source",
        "amd64",
        (
            Entry("file", "kubelet", "f/1", 1, "1.35.4", SUM),
            Entry("file", "kubelet", "f/2", 1, "1.36.3", SUM),
            Entry("file", "runc", "f/3", 1, "1.4.2", SUM),
            Entry("image", "registry.k8s.io/pause", "images", 1, "3.10.2", digest=f"sha256:{SUM}"),
        ),
    )


def test_lookup_returns_the_one_that_was_asked_for() -> None:
    index = _index()
    assert index.file("kubelet", "1.36.3").path == "f/2"
    assert index.file("runc").version == "1.4.2"
    assert index.image("registry.k8s.io/pause", "3.10.2").label == "registry.k8s.io/pause:3.10.2"


@pytest.mark.parametrize(
    ("kind", "name", "version", "message"),
    [
        ("file", "kubelet", None, r"several of file kubelet \(1\.35\.4, 1\.36\.3\)"),
        ("file", "kubelet", "1.36.4", "no file kubelet version 1.36.4: it has 1.35.4, 1.36.3"),
        ("file", "kubelt", None, "no file kubelt: nearest are kubelet"),
        ("file", "zzz", None, "no file zzz: it has kubelet, runc"),
        ("image", "registry.k8s.io/paus", None, "nearest are registry.k8s.io/pause"),
    ],
)
def test_lookup_says_what_there_is(kind: str, name: str, version: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        getattr(_index(), kind)(name, version)

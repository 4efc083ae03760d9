"""Images: equal inputs give one digest, whatever the machine's times and modes are."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.builder import image as oci
from lab.builder.artifacts import Image
from lab.builder.tarball import Member, directory, symlink, write_tar

NAMES = st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}", fullmatch=True)
IMAGE = Image(
    name="registry.example.com/team/tool",
    tag="v1",
    program="tool",
    files={"usr/local/bin/tool": "tool"},
    entrypoint=("/usr/local/bin/tool",),
    user="65532:65532",
    used_by=("a",),
)


def built(place: Path, binary: Path) -> oci.Built:
    """Build IMAGE with `binary` in the empty directory `place`."""
    place.mkdir()
    oci.build(IMAGE, "amd64", oci.root_files(IMAGE, {"tool": binary}, [], None), place)
    return oci.load_built(place)


def test_times_modes_and_places_do_not_reach_the_digest(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"program")
    second.write_bytes(b"program")
    first.chmod(0o600)
    os.utime(second, (1, 1))
    before = os.umask(0o077)
    try:
        one = built(tmp_path / "one", first)
    finally:
        os.umask(before)
    assert one == built(tmp_path / "two", second)
    second.write_bytes(b"another")
    assert one != built(tmp_path / "three", second)


def test_the_image_is_what_the_specification_wants(tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(b"program")
    result = built(tmp_path / "image", tmp_path / "tool")
    blobs = tmp_path / "image" / "blobs"
    for path in blobs.iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    manifest = json.loads((blobs / result.digest[7:]).read_bytes())
    config = json.loads((blobs / manifest["config"]["digest"][7:]).read_bytes())
    layer = blobs / manifest["layers"][0]["digest"][7:]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{layer.name}"]
    assert config["config"]["User"] == "65532:65532"
    with tarfile.open(layer) as archive:
        members = {member.name: member for member in archive}
    assert members["usr/local/bin/tool"].mode == 0o755
    assert members["tmp"].mode == 0o1777
    assert {member.mtime for member in members.values()} == {0}
    assert list(members) == sorted(members)


def test_the_layout_names_every_image() -> None:
    images = [oci.Built(f"r.example.com/{n}:1", f"sha256:{n * 64}", 1, 1) for n in "ba"]
    files = oci.layout_files(images)
    index = json.loads(files["index.json"])
    assert [m["annotations"]["org.opencontainers.image.ref.name"] for m in index["manifests"]] == [
        "r.example.com/a:1",
        "r.example.com/b:1",
    ]
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


@settings(deadline=None)  # the machine may be busy
@given(st.dictionaries(NAMES, st.binary(max_size=20), max_size=6), st.randoms())
def test_the_order_of_members_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], random: Random
) -> None:
    # A path that is also a directory of another one would be a contradiction.
    plain = {n: d for n, d in files.items() if not any(o.startswith(f"{n}/") for o in files)}
    place = tmp_path_factory.mktemp("tar")
    members = {name: Member(data=data) for name, data in plain.items()}
    names = list(members)
    random.shuffle(names)
    write_tar(place / "one.tar", members)
    write_tar(place / "two.tar", {name: members[name] for name in names})
    assert (place / "one.tar").read_bytes() == (place / "two.tar").read_bytes()
    with tarfile.open(place / "one.tar") as archive:
        read = {m.name: archive.extractfile(m) for m in archive if m.isfile()}
        assert {name: s.read() for name, s in read.items() if s} == plain


def test_links_and_directories_are_kept(tmp_path: Path) -> None:
    write_tar(tmp_path / "t.tar", {"a/b": symlink("../c"), "d": directory(0o1777)})
    with tarfile.open(tmp_path / "t.tar") as archive:
        assert archive.getnames() == ["a", "a/b", "d"]
        assert archive.getmember("a/b").linkname == "../c"
        assert archive.getmember("d").mode == 0o1777


def test_an_image_of_packages_only_has_its_users_and_its_search_path(tmp_path: Path) -> None:
    image = IMAGE.model_copy(
        update={
            "files": {},
            "users": {"postgres": 26},
            "search_path": ("/usr/lib/pg/bin",),
            "links": {"usr/bin/pg": "../sbin/pg"},
        }
    )
    place = tmp_path / "image"
    place.mkdir()
    members = oci.root_files(image, {}, [], None)
    assert members["etc/passwd"].data is not None
    assert b"\npostgres:x:26:26::/:/sbin/nologin\n" in members["etc/passwd"].data
    assert b"\npostgres:x:26:\n" in (members["etc/group"].data or b"")
    assert members["usr/bin/pg"].target == "../sbin/pg"
    oci.build(image, "amd64", members, place)
    digest = oci.load_built(place).digest.removeprefix("sha256:")
    manifest = json.loads((place / "blobs" / digest).read_bytes())
    config = json.loads((place / "blobs" / manifest["config"]["digest"][7:]).read_bytes())
    (path,) = config["config"]["Env"]
    assert path.startswith("PATH=/usr/lib/pg/bin:/usr/local/sbin:")

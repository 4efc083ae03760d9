"""Debian packages: unpacked into images, and offered by a repository that apt itself accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)

from lab.builder import deb
from lab.builder.apt import (
    Apt,
    Lock,
    Package,
    load_lock,
    machine_sources,
    release_sources,
    save_lock,
)
from tests.support.debian_packages import ARCH, make_deb, make_repository, source_of

DEBIAN = "URIs: https://mirror.example.com/debian\nSuites: bookworm bookworm-updates\n"


def test_unpacking_keeps_what_a_program_needs(tmp_path: Path) -> None:
    members = deb.unpack(make_deb(tmp_path, "tool", "1.0"))
    assert sorted(members) == [
        "usr/bin/tool",
        "usr/bin/tool-too",
        "usr/lib/tool.so",
        "usr/lib/tool.so.1",
        "usr/share/doc/tool/copyright",
    ]
    assert members["usr/bin/tool"].mode == 0o755
    assert members["usr/bin/tool"].data == members["usr/bin/tool-too"].data == b"program"
    assert members["usr/lib/tool.so.1"].target == "tool.so"


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("lib/x.so", "usr/lib/x.so"),
        ("lib64/ld.so", "usr/lib64/ld.so"),
        ("sbin/nft", "usr/sbin/nft"),
        ("usr/lib/x.so", "usr/lib/x.so"),
        ("etc/lib/x", "etc/lib/x"),
        ("lib", "lib"),
    ],
)
def test_merged_usr(path: str, wanted: str) -> None:
    assert deb.merged(path) == wanted


def test_a_package_without_certificates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="holds no certificates"):
        deb.certificate_bundle(make_deb(tmp_path, "tool", "1.0"))


@pytest.fixture
def served(tmp_path: Path) -> tuple[Path, list[Package]]:
    """Return a signed repository and its packages; one needs another."""
    return make_repository(tmp_path)


def client(tmp_path: Path, root: Path) -> Apt:
    """Return an apt that knows only the repository at `root`."""
    return Apt(tmp_path / "client", ARCH, source_of(root))


def test_apt_accepts_the_repository_and_finds_the_dependency(
    tmp_path: Path, served: tuple[Path, list[Package]]
) -> None:
    root, packages = served
    apt = client(tmp_path, root)
    apt.update()
    assert apt.solve(("tool",)) == sorted(p for p in packages if p.name != "ca-certificates")
    (tmp_path / "got").mkdir()
    apt.download(packages, tmp_path / "got")
    sums = {sha256_file(path) for path in (tmp_path / "got").iterdir()}
    assert sums == {package.sha256 for package in packages}
    with pytest.raises(PlatformError, match="--update-lock"):
        apt.download([Package("tool", "9", "all", "0" * 64, 1)], tmp_path / "got")
    with pytest.raises(PlatformError, match="Unable to locate package nothing"):
        apt.solve(("nothing",))


@pytest.mark.parametrize("name", ["InRelease", "main/binary-{arch}/Packages"])
def test_apt_refuses_a_flipped_bit(
    tmp_path: Path, served: tuple[Path, list[Package]], name: str
) -> None:
    root, _ = served
    path = root / "dists/platform" / name.format(arch=ARCH)
    data = bytearray(path.read_bytes())
    place = data.index(b"Version: " if name.endswith("Packages") else b"Codename: ") + 9
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(PlatformError, match="apt-get"):
        client(tmp_path, root).update()


def test_the_machine_gives_only_sources_of_the_release(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# comment\ndeb [arch=amd64 signed-by=/k.gpg] https://mirror.example.com/debian "
        "bookworm-security main contrib\ndeb https://other.example.com/x stable main\n"
    )
    (tmp_path / "sources.list.d/debian.sources").write_text(
        f"# from the image\nTypes: deb\n{DEBIAN}Components: main\n\n"
        "Types: deb\nURIs: https://other.example.com\nSuites: nodistro\nComponents: main\n"
    )
    text = machine_sources("bookworm", tmp_path)
    assert text.count("Types: deb") == 2
    assert "other.example.com" not in text
    assert "Signed-By: /k.gpg" in text
    with pytest.raises(InputError, match="name no suite of trixie"):
        machine_sources("trixie", tmp_path)
    renamed = release_sources("trixie", "bookworm", tmp_path)
    assert renamed == text.replace("bookworm", "trixie")
    assert release_sources("bookworm", "bookworm", tmp_path) == text
    (tmp_path / "sources.list.d/next.sources").write_text(
        "Types: deb\nURIs: https://next.example.com\nSuites: trixie\nComponents: main\n"
    )
    assert "next.example.com" in release_sources("trixie", "bookworm", tmp_path)
    with pytest.raises(InputError, match="name no suite of bullseye"):
        release_sources("trixie-backports", "bullseye", tmp_path)


def test_the_lock_is_read_back_as_written(tmp_path: Path) -> None:
    package = Package("tool", "2:1.0~rc1-1", "amd64", "0" * 64, 7)
    lock = Lock("2026-01-02T03:04:05Z", {"hosts": (("tool",), ("tool",))}, {"tool": package})
    save_lock(tmp_path / "lock.yml", lock)
    assert load_lock(tmp_path / "lock.yml") == lock
    assert lock.of_set("hosts") == [package]
    assert lock.satisfies({"hosts": ("tool",)})
    assert not lock.satisfies({"hosts": ("tool", "more")})
    assert load_lock(tmp_path / "none.yml") is None


NUMBER = "sets: {}\npackages: {a: {version: '1', arch: all, sha256: 00, size: 1}}"


@pytest.mark.parametrize("text", ["", "[]", "sets: {}", "a: [", "sets: {hosts: 5}", NUMBER])
def test_a_damaged_lock_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lock.yml").write_text(text)
    with pytest.raises(InputError, match="Restore it from git"):
        load_lock(tmp_path / "lock.yml")


def test_the_lock_is_plain_yaml(tmp_path: Path) -> None:
    package = Package("tool", "1", "all", "0" * 64, 7)
    save_lock(tmp_path / "lock.yml", Lock("2026-01-02T03:04:05Z", {}, {"tool": package}))
    document = yaml.safe_load((tmp_path / "lock.yml").read_text())
    assert document["packages"]["tool"]["sha256"] == "0" * 64

"""Small real Debian packages, and a signed repository of them, for tests."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file

from lab.builder import deb, repository
from lab.builder.apt import Package
from lab.builder.keys import make_keys

ARCH = subprocess.run(
    ["dpkg", "--print-architecture"], check=True, capture_output=True, text=True
).stdout.strip()


def make_deb(
    directory: Path,
    name: str,
    version: str,
    depends: str = "",
    more: Mapping[str, str] | None = None,
) -> Path:
    """Make a small real package with a library, a program, a manual page and the files `more`."""
    root = directory / f"{name}-root"
    files = {
        f"lib/{name}.so": "library",
        f"usr/bin/{name}": "program",
        f"usr/share/doc/{name}/copyright": "licence",
        f"usr/share/doc/{name}/changelog": "changes",
        f"usr/share/man/man1/{name}.1": "manual",
        f"var/lib/{name}/state": "state",
        "DEBIAN/control": f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
        f"Maintainer: nobody <nobody@example.com>\nDescription: test\n"
        + (f"Depends: {depends}\n" if depends else ""),
        **(more or {}),
    }
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (root / f"usr/bin/{name}").chmod(0o755)
    (root / f"lib/{name}.so.1").symlink_to(f"{name}.so")
    (root / f"usr/bin/{name}-too").hardlink_to(root / f"usr/bin/{name}")
    output = directory / f"{name}_{version.partition(':')[2] or version}_all.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "--build", str(root), str(output)],
        check=True,
        capture_output=True,
    )
    return output


def pinned(path: Path, name: str, version: str) -> Package:
    """Return the pin of the package in `path`."""
    return Package(name, version, "all", sha256_file(path), path.stat().st_size)


def make_repository(directory: Path) -> tuple[Path, list[Package]]:
    """Make a signed repository below `directory`: tool, which needs base, and ca-certificates."""
    root = directory / "apt"
    (root / repository.POOL).mkdir(parents=True)
    packages, controls = [], {}
    for name, version, depends, more in (
        ("tool", "2:1.0-1", "base (>= 3)", {}),
        ("base", "3", "", {}),
        (
            "ca-certificates",
            "20260101",
            "",
            {f"usr/share/ca-certificates/{n}.crt": f"authority {n}\n" for n in "ba"},
        ),
    ):
        path = make_deb(directory, name, version, depends, more)
        packages.append(pinned(path, name, version))
        controls[name] = deb.control(path)
        path.rename(root / repository.POOL / packages[-1].file_name)
    make_keys(directory / "apt-keys", [])
    index = repository.packages_index(packages, controls)
    release = repository.release_file(
        "2026-01-02T03:04:05Z", ARCH, {f"main/binary-{ARCH}/Packages": index}
    )
    repository.write_metadata(root, release, index, ARCH, directory / "apt-keys")
    return root, packages


def source_of(root: Path) -> str:
    """Return the apt source of the repository at `root`."""
    text = f"Types: deb\nURIs: file://{root}\nSuites: {repository.SUITE}\nComponents: main\n"
    return f"{text}Signed-By: {root}/{repository.KEYRING}\n"

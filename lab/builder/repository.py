"""A signed apt repository made of pinned packages (format: Debian's "Repository Format")."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

from lab.builder.apt import Package
from lab.builder.keys import gpg, run_tool

SUITE = "platform"
COMPONENT = "main"
KEYRING = "keyring.gpg"
POOL = "pool"


def packages_index(packages: list[Package], controls: dict[str, str]) -> bytes:
    """Return the Packages file; `controls` maps a package name to its control stanza."""
    stanzas = [
        f"{controls[package.name]}\n"
        f"Filename: {POOL}/{package.file_name}\n"
        f"Size: {package.size}\n"
        f"SHA256: {package.sha256}\n"
        for package in sorted(packages)
    ]
    return "\n".join(stanzas).encode()


def release_file(resolved_at: str, arch: str, files: dict[str, bytes]) -> bytes:
    """Return the Release file over `files` (path below the suite -> content).

    The date is when the packages were resolved, so equal inputs give equal bytes, and a newer
    lock gives a newer date: apt ignores a repository that is older than the one it has seen.
    """
    moment = datetime.datetime.strptime(resolved_at, "%Y-%m-%dT%H:%M:%SZ")
    sums = [
        f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}"
        for name, data in sorted(files.items())
    ]
    lines = [
        "Origin: biomax.platform",
        "Label: biomax.platform",
        f"Suite: {SUITE}",
        f"Codename: {SUITE}",
        f"Date: {moment:%a, %d %b %Y %H:%M:%S} UTC",
        f"Architectures: {arch}",
        f"Components: {COMPONENT}",
        "Description: packages that biomax.platform installs",
        "SHA256:",
        *sums,
    ]
    return ("\n".join(lines) + "\n").encode()


def public_key(keys: Path) -> str:
    """Return the public half of the key that signs the repository, in ASCII armour.

    Raises:
        InputError: `keys` has none.
    """
    path = keys / "apt.asc"
    if not path.is_file():
        raise InputError(f"{path} does not exist: make the keys first with `lab/bundle keys`.")
    return path.read_text(encoding="utf-8")


def write_metadata(output: Path, release: bytes, index: bytes, arch: str, keys: Path) -> None:
    """Write lists, signatures and the public key of the repository below `output`."""
    suite = output / "dists" / SUITE
    lists = suite / COMPONENT / f"binary-{arch}"
    lists.mkdir(parents=True)
    (lists / "Packages").write_bytes(index)
    (suite / "Release").write_bytes(release)
    with gpg(keys / "gnupg") as command:
        signed = run_tool(*command, "--digest-algo", "SHA512", "--clearsign", stdin=release)
        (suite / "InRelease").write_bytes(signed)
        (output / KEYRING).write_bytes(run_tool(*command, "--export"))

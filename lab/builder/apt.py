"""Debian packages: apt's own solver in an empty root, versions and sums kept in a lock file."""

from __future__ import annotations

import datetime
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)

from lab.builder.keys import run_tool
from lab.builder.lockfile import lock_text, write_lock

_URI_LINE = re.compile(r"'[^']+' (?P<name>[^_ ]+)_(?P<version>[^_ ]+)_(?P<arch>[a-z0-9]+)\.deb ")


@dataclass(frozen=True, order=True)
class Package:
    """One pinned package; `size` is in bytes."""

    name: str
    version: str
    arch: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """Return the name of the package's file; like in Debian's pool it has no epoch."""
        return f"{self.name}_{self.version.partition(':')[2] or self.version}_{self.arch}.deb"


def machine_sources(release: str, directory: Path) -> str:
    """Return the apt sources in `directory` that are of the Debian `release`, as deb822 text.

    Raises:
        InputError: there is none.
    """
    stanzas: list[str] = []
    lists = [directory / "sources.list", *sorted((directory / "sources.list.d").glob("*"))]
    for path in (path for path in lists if path.is_file()):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".sources":
            stanzas += re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", text))
        elif path.suffix == ".list":
            stanzas += [_as_deb822(line) for line in text.splitlines() if line.startswith("deb ")]
    wanted = [stanza.strip() for stanza in stanzas if _is_of(stanza, release)]
    if not wanted:
        raise InputError(
            f"The apt sources in {directory} name no suite of {release}, which "
            "bundle/catalogue/packages.yml wants. Add such a source to this machine (a file in "
            f"{directory}/sources.list.d), or build on a machine that has one."
        )
    return "\n\n".join(wanted) + "\n"


def release_sources(release: str, own: str, directory: Path) -> str:
    """Return apt sources of `release`: those of this machine, or its own release's renamed.

    An archive of Debian keeps its releases side by side, and its keys of today are in the keyring.

    Args:
        release: Debian release that is wanted.
        own: Debian release that this machine is known to have sources of.
        directory: where they are.

    Raises:
        InputError: there is neither.
    """
    try:
        return machine_sources(release, directory)
    except InputError:
        text = machine_sources(own, directory)
        return re.sub(
            r"(?m)^Suites:.*$", lambda line: re.sub(rf"\b{own}\b", release, line[0]), text
        )


def _as_deb822(line: str) -> str:
    match = re.fullmatch(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)", line)
    if not match:
        return ""
    options, uri, suite, components = match.groups()
    text = f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {components}"
    signed = re.search(r"signed-by=(\S+)", options or "")
    return f"{text}\nSigned-By: {signed[1]}" if signed else text


def _is_of(stanza: str, release: str) -> bool:
    match = re.search(r"(?m)^Suites:\s*(.+)$", stanza)
    suites = match[1].split() if match else []
    known = (release, f"{release}-updates", f"{release}-security")
    return bool(suites) and all(suite in known for suite in suites)


class Apt:
    """apt with its own lists and an empty package database, beside the machine's."""

    def __init__(self, root: Path, arch: str, sources: str) -> None:
        self.root = root
        self.arch = arch
        for name in ("lists/partial", "archives/partial", "sources.list.d", "preferences.d"):
            (root / name).mkdir(parents=True, exist_ok=True)
        (root / "status").write_text("", encoding="utf-8")
        (root / "sources.list.d" / "machine.sources").write_text(sources, encoding="utf-8")
        settings = {
            "APT::Architecture": arch,
            "APT::Architectures": arch,
            "APT::Sandbox::User": "root",
            "APT::Install-Recommends": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Dir::State": root,
            "Dir::State::lists": root / "lists",
            "Dir::State::status": root / "status",
            "Dir::Cache": root,
            "Dir::Cache::archives": root / "archives",
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": root / "sources.list.d",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": root / "preferences.d",
        }
        self.options = [f"-o{name}={value}" for name, value in settings.items()]

    def update(self) -> None:
        """Fetch the package lists; apt checks their signatures."""
        run_tool("apt-get", *self.options, "-qq", "--error-on=any", "update")

    def solve(self, roots: tuple[str, ...]) -> list[Package]:
        """Return `roots` and everything they depend on, with the versions that apt would take."""
        text = run_tool(
            *("apt-get", *self.options, "-qq", "-y", "--print-uris", "install", *roots)
        ).decode()
        lines = [line.strip() for line in text.splitlines() if line.startswith("'")]
        found = [_URI_LINE.match(line) for line in lines]
        if not found or not all(found):
            odd = [line for line, match in zip(lines, found, strict=True) if not match]
            raise PlatformError(
                f"apt's answer for {shlex.join(roots)} was not understood: {odd or text[:500]}"
            )
        names = [
            (match["name"], match["version"].replace("%3a", ":"), match["arch"])
            for match in found
            if match
        ]
        return self._described(names)

    def _described(self, names: list[tuple[str, str, str]]) -> list[Package]:
        """Return packages (name, version, architecture) with the sums of the signed lists."""
        wanted = [f"{name}={version}" for name, version, _ in names]
        shown = run_tool("apt-cache", *self.options, "show", *wanted).decode()
        known: dict[tuple[str, str, str], Package] = {}
        for stanza in shown.strip().split("\n\n"):
            fields = dict(re.findall(r"(?m)^([A-Za-z0-9-]+): (.*)$", stanza))
            package = Package(
                fields["Package"],
                fields["Version"],
                fields["Architecture"],
                fields["SHA256"],
                int(fields["Size"]),
            )
            known[package.name, package.version, package.arch] = package
        if lacking := [name for name in names if name not in known]:
            raise PlatformError(f"The package lists have no sums for {lacking}.")
        return sorted(known[name] for name in names)

    def download(self, packages: list[Package], directory: Path) -> None:
        """Download `packages` into `directory`; apt checks them against its signed lists."""
        names = [f"{p.name}={p.version}" for p in packages]
        command = ["apt-get", *self.options, "-qq", "download", *names]
        result = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if result.returncode:
            raise PlatformError(
                f"apt could not download {' '.join(names)}: {result.stderr.strip()[-1500:]}\n"
                "If the archive has replaced a version, take the new ones with "
                "`lab/bundle build --update-lock` and commit bundle/lock/."
            )


@dataclass(frozen=True)
class Lock:
    """Pinned packages: `sets` maps a name to its roots and to the names of all its packages."""

    resolved_at: str
    sets: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    packages: dict[str, Package]

    def of_set(self, name: str) -> list[Package]:
        """Return the packages of the set called `name`."""
        return [self.packages[package] for package in self.sets[name][1]]

    def satisfies(self, wanted: dict[str, tuple[str, ...]]) -> bool:
        """Return whether the lock was made for exactly these sets of roots."""
        return {name: roots for name, (roots, _) in self.sets.items()} == wanted


def resolve(apt: Apt, wanted: dict[str, tuple[str, ...]]) -> Lock:
    """Return a lock for the sets of roots `wanted`, resolved now."""
    apt.update()
    sets: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    packages: dict[str, Package] = {}
    for name, roots in sorted(wanted.items()):
        solved = apt.solve(roots)
        packages |= {package.name: package for package in solved}
        sets[name] = (roots, tuple(package.name for package in solved))
    now = datetime.datetime.now(datetime.timezone.utc)
    return Lock(now.strftime("%Y-%m-%dT%H:%M:%SZ"), sets, packages)


def _pin(name: str, value: dict[str, Any]) -> Package:
    """Return the package that the lock file describes; TypeError when a value is no text."""
    package = Package(name, value["version"], value["arch"], value["sha256"], value["size"])
    texts = (package.name, package.version, package.arch, package.sha256)
    if not all(isinstance(text, str) for text in texts) or not isinstance(package.size, int):
        raise TypeError(f"{name}: version, arch and sha256 must be text, size a number: {value}")
    return package


def load_lock(path: Path) -> Lock | None:
    """Return the lock in `path`, None when there is none; InputError when it cannot be read."""
    if not path.exists():
        return None
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        sets = {
            name: (tuple(value["roots"]), tuple(value["packages"]))
            for name, value in document["sets"].items()
        }
        packages = {name: _pin(name, value) for name, value in document["packages"].items()}
        return Lock(document["resolved_at"], sets, packages)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"Reading {path}: {error!r}. Restore it from git, or write it anew with "
            "`lab/bundle build --update-lock`."
        ) from error


def save_lock(path: Path, lock: Lock) -> None:
    """Write `lock` to `path`, sorted, so that a change reads well in git."""
    document = {
        "resolved_at": lock.resolved_at,
        "sets": {
            name: {"roots": list(roots), "packages": list(packages)}
            for name, (roots, packages) in sorted(lock.sets.items())
        },
        "packages": {
            name: {
                "version": package.version,
                "arch": package.arch,
                "sha256": package.sha256,
                "size": package.size,
            }
            for name, package in sorted(lock.packages.items())
        },
    }
    header = "Written by `lab/bundle build --update-lock`; commit it, do not edit it."
    write_lock(path, lock_text(header, document))

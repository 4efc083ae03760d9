"""A signed bundle of one small program in two versions, for simulated hosts."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    Entry,
    Index,
    dump_index,
    load_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.host import source
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.module_utils.host.mirror import Mirror
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Context
from ansible_collections.biomax.platform.plugins.module_utils.host.source import BundleSource
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

from tests.unit.host.simulated import SimulatedHost

MIRROR = Mirror("file:///srv/bundle")


class _Unverified(BundleSource):
    """A source that skips the signature and nothing else."""

    def _verified(self, answer: source._Answer) -> Index:
        return load_index(answer.data)


@dataclass(frozen=True)
class Bundle:
    """A bundle in `directory`, signed by the private half of `key`."""

    directory: Path
    key: str

    def context(self, host: SimulatedHost) -> Context:
        """Return a context of `host` whose mirror is this bundle."""
        return Context(host.host, Hashes(host.host.state("hashes.json")), self.source(host.host))

    def quick_context(self, host: SimulatedHost) -> Context:
        """Return the same without asking ssh-keygen; for tests that make a thousand calls."""
        context = self.context(host)
        return replace(context, source=_Unverified(host.host, [MIRROR], self.key, ""))

    def source(self, host: Host) -> BundleSource:
        """Return the bundle as `host` sees it: a simulated host finds it below its own root."""
        copy = host.at("/srv/bundle")
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(self.directory)
        return BundleSource(host, [MIRROR], self.key, "")


def build(folder: Path, programs: dict[str, bytes]) -> Bundle:
    """Write a bundle with `probe-tool` in the versions of `programs`, and sign it."""
    key, directory = make_key(folder), folder / "bundle"
    entries = []
    for version, data in sorted(programs.items()):
        path = f"files/probe-tool/{version}/probe-tool"
        (directory / path).parent.mkdir(parents=True)
        (directory / path).write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        install = {"type": "binary"}
        entry = Entry("file", "probe-tool", path, len(data), version, sha256, install=install)
        entries.append(entry)
    sign(directory, key, entries)
    return Bundle(directory, key.with_suffix(".pub").read_text().strip())


def make_key(folder: Path) -> Path:
    """Make a signing key in `folder`; its public half has the suffix .pub."""
    key = folder / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return key


def sign(directory: Path, key: Path, entries: list[Entry]) -> None:
    """Write the index of `entries` and its signature."""
    index = directory / "index.json"
    index.write_bytes(dump_index(Index("source", "amd64", tuple(entries))))
    (directory / "index.json.sig").unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", "biomax-bundle", "-f", str(key), str(index)]
    subprocess.run(command, check=True, capture_output=True)

"""OpenPGP signatures of releases: keys and signatures are made here by gpg itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    PlatformError,
)
from rich.console import Console

from lab.builder.artifacts import Published
from lab.builder.cache import Cache
from lab.builder.catalogue import Catalogue
from lab.builder.context import Context, Settings
from lab.builder.keys import gpg, run_tool
from lab.builder.progress import Progress
from lab.builder.upstream.download import Downloader
from lab.builder.upstream.lock import UpstreamLock
from lab.builder.upstream.releases import Releases
from lab.builder.upstream.signature import verify_detached
from lab.builder.upstream.sources import Sources
from tests.support.bundle_inputs import document
from tests.support.release_server import ReleaseServer, serving
from tests.support.upstream_inputs import HOST, sha256

DATA = b"a release\n" * 1000
FILE, SIGNATURE = "/v1/tool", "/v1/tool.asc"


@dataclass(frozen=True)
class Project:
    """Someone with a signing key: the home of gpg and the fingerprint of the key."""

    home: Path
    fingerprint: str

    def sign(self, path: Path, *options: str) -> Path:
        """Return a detached signature over `path`, in ASCII armour unless `options` say other."""
        signature = path.with_name(f"{path.name}.{self.fingerprint[:8]}{''.join(options)}.asc")
        with gpg(self.home) as command:
            target = ("--output", str(signature), "--detach-sign", str(path))
            run_tool(*command, "--armor", *options, *target)
        return signature

    def export(self) -> bytes:
        """Return the public key."""
        with gpg(self.home) as command:
            return run_tool(*command, "--armor", "--export")

    def revoke(self) -> None:
        """Revoke the key with the certificate that gpg made together with it."""
        path = self.home / "openpgp-revocs.d" / f"{self.fingerprint}.rev"
        text = path.read_text().replace(":-----BEGIN", "-----BEGIN")
        with gpg(self.home) as command:
            run_tool(*command, "--import", stdin=text.encode())


def project(home: Path, *options: str, expires: str = "never") -> Project:
    """Make a key in `home`; `options` go to gpg."""
    home.mkdir(mode=0o700)
    with gpg(home) as command:
        passphrase = ("--pinentry-mode", "loopback", "--passphrase", "")
        generate = ("--quick-generate-key", f"{home.name} <{home.name}@example.com>")
        run_tool(*command, *options, *passphrase, *generate, "ed25519", "sign", expires)
        listed = run_tool(*command, "--with-colons", "--list-secret-keys").decode()
    (line,) = [line for line in listed.splitlines() if line.startswith("fpr:")]
    return Project(home, line.split(":")[9])


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return the project whose key is pinned."""
    return project(tmp_path_factory.mktemp("gpg") / "pinned")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return somebody else."""
    return project(tmp_path_factory.mktemp("gpg") / "stranger")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tool"
    path.write_bytes(DATA)
    return path


def verify(path: Path, signature: Path, pinned: Project, keys: bytes = b"") -> None:
    """Check as the builder does; `keys` is what the pinned key file holds."""
    key = path.with_name("pinned.asc")
    key.write_bytes(keys or pinned.export())
    verify_detached(path, signature, key, pinned.fingerprint, "tool 1.0")


def test_a_right_signature_is_accepted_in_armour_and_in_binary(file: Path, ours: Project) -> None:
    verify(file, ours.sign(file), ours)
    verify(file, ours.sign(file, "--no-armor"), ours)


def test_a_subkey_of_the_pinned_key_may_sign(file: Path, tmp_path: Path) -> None:
    maker = project(tmp_path / "maker")
    with gpg(maker.home) as command:
        loopback = ("--pinentry-mode", "loopback", "--passphrase", "")
        run_tool(*command, *loopback, "--quick-add-key", maker.fingerprint, "ed25519", "sign")
        listed = run_tool(*command, "--with-colons", "--list-secret-keys").decode()
    subkey = [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")][1]
    signature = maker.sign(file, f"--local-user={subkey}!")
    verify(file, signature, maker)


def test_a_strangers_signature_is_refused_with_the_key_and_the_file(
    file: Path, ours: Project, other: Project
) -> None:
    signature = other.sign(file)
    with pytest.raises(IntegrityError, match=rf"(?s){ours.fingerprint}, which.*No public key"):
        verify(file, signature, ours)


def test_a_second_key_in_the_pinned_file_may_not_sign(
    file: Path, ours: Project, other: Project
) -> None:
    signature = other.sign(file)
    with pytest.raises(IntegrityError, match=f"it is by {other.fingerprint}"):
        verify(file, signature, ours, ours.export() + other.export())


def test_two_signatures_of_which_one_is_a_strangers_are_refused(
    file: Path, ours: Project, other: Project
) -> None:
    both = file.with_name("both.asc")
    both.write_bytes(ours.sign(file).read_bytes() + other.sign(file).read_bytes())
    with pytest.raises(IntegrityError, match="was not used"):
        verify(file, both, ours, ours.export() + other.export())


def test_a_changed_file_is_refused(file: Path, ours: Project) -> None:
    signature = ours.sign(file)
    file.write_bytes(DATA[:-1] + b"!")
    with pytest.raises(IntegrityError, match="BAD signature"):
        verify(file, signature, ours)


@pytest.mark.parametrize("found", [b"", b"not here\n", b"-----BEGIN PGP SIGNATURE-----\n\nnothing"])
def test_what_is_no_signature_is_refused(file: Path, ours: Project, found: bytes) -> None:
    signature = file.with_name("tool.asc")
    signature.write_bytes(found)
    with pytest.raises(IntegrityError, match="was not used"):
        verify(file, signature, ours)


def test_a_key_file_without_a_key_is_refused(file: Path, ours: Project) -> None:
    signature = ours.sign(file)
    with pytest.raises(IntegrityError, match="was not used"):
        verify(file, signature, ours, b"no key\n")


def test_a_revoked_key_is_refused(file: Path, tmp_path: Path) -> None:
    maker = project(tmp_path / "maker")
    signature = maker.sign(file)
    verify(file, signature, maker)
    maker.revoke()
    with pytest.raises(IntegrityError, match="REVKEYSIG"):
        verify(file, signature, maker)


def test_an_expired_key_is_refused(file: Path, tmp_path: Path) -> None:
    then = "--faked-system-time=20200101T000000"
    maker = project(tmp_path / "maker", then, expires="1d")
    signature = maker.sign(file, then)
    with pytest.raises(IntegrityError, match="EXPKEYSIG"):
        verify(file, signature, maker)


@dataclass
class Site:
    """A release with a pinned signature, on a server of ours."""

    releases: Releases
    server: ReleaseServer
    release: Published

    def fetch(self) -> bytes:
        return self.releases.fetch("tool 1.0", self.release).read_bytes()


@pytest.fixture
def site(tmp_path: Path, file: Path, ours: Project) -> Iterator[Site]:
    keys = tmp_path / "bundle" / "keys"
    keys.mkdir(parents=True)
    (keys / "tool.asc").write_bytes(ours.export())
    base = f"https://{HOST}"
    pinned = {"url": f"{base}{SIGNATURE}", "key": "tool.asc", "fingerprint": ours.fingerprint}
    release = Published.model_validate(
        {"url": f"{base}{FILE}", "sha256": sha256(DATA), "signature": pinned}
    )
    server = ReleaseServer()
    server.files = {FILE: DATA, SIGNATURE: ours.sign(file).read_bytes()}
    settings = Settings(tmp_path, tmp_path / "output", tmp_path / "keys", "amd64")
    catalogue = Catalogue.model_validate(document())
    cache = Cache(tmp_path / "cache")
    context = Context(settings, catalogue, catalogue, cache, Progress(Console(quiet=True)))
    with serving(server):
        downloader = Downloader(cache.root / "parts", sleep=lambda _: None)
        sources = Sources({HOST: server.url})
        yield Site(Releases(context, downloader, sources, UpstreamLock()), server, release)


def test_a_signed_release_is_taken(site: Site) -> None:
    assert site.fetch() == DATA


def test_a_missing_signature_leaves_nothing_in_the_cache(site: Site) -> None:
    del site.server.files[SIGNATURE]
    for _ in range(2):  # what came must not be taken for checked by the next build
        with pytest.raises(PlatformError, match=r"the signature of tool 1\.0 .*answered 404"):
            site.fetch()


def test_a_strangers_signature_leaves_nothing_in_the_cache(
    site: Site, file: Path, other: Project
) -> None:
    site.server.files[SIGNATURE] = other.sign(file).read_bytes()
    for _ in range(2):
        with pytest.raises(IntegrityError, match=r"(?s)tool 1\.0 .*was not used"):
            site.fetch()

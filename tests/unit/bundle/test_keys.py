"""Keys: made once, private, usable by the real tools, never overwritten."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pyrage
import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

from lab.builder.keys import Mirror, make_keys

MIRRORS = [
    Mirror("mirror1.example.com", "192.0.2.10"),
    Mirror("mirror2.example.com", "2001:db8::1"),
]
PRIVATE = [
    "bundle_signing",
    "mirror-ca.key",
    "mirror.key",
    "escrow-identity.txt",
    "site-secret.txt",
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with every key, below a path that is long."""
    directory = tmp_path_factory.mktemp("k" * 100) / "keys"
    made = make_keys(directory, MIRRORS)
    assert set(made) == {"bundle_signing", "gnupg", "mirror-ca", "mirror", "escrow", "site-secret"}
    assert all(made.values())
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """Return every plain file below `directory` with its bytes."""
    return {str(p): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}


def test_a_second_run_changes_nothing(keys: Path) -> None:
    before = contents(keys)
    assert not any(make_keys(keys, MIRRORS).values())
    assert contents(keys) == before


def test_private_halves_are_for_their_owner_only(keys: Path) -> None:
    modes = {name: stat.S_IMODE((keys / name).stat().st_mode) for name in [*PRIVATE, "gnupg"]}
    assert modes == {**dict.fromkeys(PRIVATE, 0o600), "gnupg": 0o700}


def test_openssl_trusts_the_mirror_under_each_of_its_names(keys: Path) -> None:
    for mirror in MIRRORS:
        for check in (("-verify_hostname", mirror.name), ("-verify_ip", mirror.address)):
            subprocess.run(
                [
                    *("openssl", "verify", "-x509_strict", "-purpose", "sslserver", *check),
                    *("-CAfile", str(keys / "mirror-ca.pem"), str(keys / "mirror.pem")),
                ],
                check=True,
                capture_output=True,
            )


def test_the_escrow_pair_belongs_together(keys: Path) -> None:
    recipient = pyrage.x25519.Recipient.from_str(
        (keys / "escrow-recipient.txt").read_text().strip()
    )
    identity = pyrage.x25519.Identity.from_str((keys / "escrow-identity.txt").read_text().strip())
    assert pyrage.decrypt(pyrage.encrypt(b"secret", [recipient]), [identity]) == b"secret"
    sealed = (keys / "site-secret.age").read_bytes()
    assert pyrage.decrypt(sealed, [identity]) == (keys / "site-secret.txt").read_bytes()


def test_no_agent_is_left_running(keys: Path) -> None:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_bytes())
        except OSError:  # ended in between
            continue
    assert not [line for line in found if b"gpg-agent" in line and b"bxg-" in line]


def test_half_of_a_pair_is_refused(keys: Path) -> None:
    public = keys / "escrow-recipient.txt"
    text = public.read_text()
    public.unlink()
    try:
        with pytest.raises(InputError, match=r"escrow-recipient\.txt is missing"):
            make_keys(keys, MIRRORS)
    finally:
        public.write_text(text)


def test_a_certificate_that_does_not_cover_a_mirror_is_refused(keys: Path) -> None:
    before = contents(keys)
    with pytest.raises(InputError, match=r"does not cover mirror3\.example\.com, 192\.0\.2\.30"):
        make_keys(keys, [*MIRRORS, Mirror("mirror3.example.com", "192.0.2.30")])
    assert contents(keys) == before


@pytest.mark.parametrize("text", ["", "mirror1", "=192.0.2.1", "mirror1=", "mirror1=mirror2"])
def test_a_wrong_mirror_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="wanted name=address"):
        Mirror.parse(text)

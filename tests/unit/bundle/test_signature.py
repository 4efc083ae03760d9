"""Signatures: made by the real ssh-keygen, refused when one bit of anything differs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.signature import (
    verify_signature,
    verify_signature_bytes,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)

from tests.support.bundles import Signer, make_signer, write_bundle

STRIDE = 13  # bits between two flips: about 180 of the signature, each place in a line hit


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Return a key pair."""
    return make_signer(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, signer: Signer) -> Path:
    """Return a signed bundle with one file."""
    directory = tmp_path_factory.mktemp("bundle")
    write_bundle(directory, signer, {"manifests/a.yml": b"a: 1\n"})
    return directory


def flipped(data: bytes, bit: int) -> bytes:
    """Return `data` with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_good_signature_holds(bundle: Path, signer: Signer) -> None:
    verify_signature(bundle / "index.json", bundle / "index.json.sig", signer.public)


def test_every_flipped_bit_of_a_line_end_is_refused(bundle: Path, signer: Signer) -> None:
    data = (bundle / "index.json").read_bytes()
    signature = (bundle / "index.json.sig").read_bytes()
    ends = [8 * place + bit for place, c in enumerate(signature) if c == 10 for bit in range(8)]
    assert len(ends) >= 40
    for bit in ends:
        with pytest.raises(IntegrityError):
            verify_signature_bytes(data, flipped(signature, bit), signer.public, "index")


def test_flipped_bits_of_the_signature_are_refused(bundle: Path, signer: Signer) -> None:
    data = (bundle / "index.json").read_bytes()
    signature = (bundle / "index.json.sig").read_bytes()
    for bit in range(0, 8 * len(signature), STRIDE):
        with pytest.raises(IntegrityError):
            verify_signature_bytes(data, flipped(signature, bit), signer.public, "index")


def test_flipped_bits_of_the_index_are_refused(bundle: Path, signer: Signer) -> None:
    data = (bundle / "index.json").read_bytes()
    signature = (bundle / "index.json.sig").read_bytes()
    for bit in range(0, 8 * len(data), 8 * len(data) // 50):
        with pytest.raises(IntegrityError, match="does not hold"):
            verify_signature_bytes(flipped(data, bit), signature, signer.public, "index")


def test_text_around_the_signature_is_refused(bundle: Path, signer: Signer) -> None:
    data = (bundle / "index.json").read_bytes()
    signature = (bundle / "index.json.sig").read_bytes()
    for changed in (b"note\n" + signature, signature + b"\n", signature[:-1], b""):
        with pytest.raises(IntegrityError, match="is damaged"):
            verify_signature_bytes(data, changed, signer.public, "index")


def test_another_key_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = make_signer(tmp_path)
    with pytest.raises(IntegrityError, match="bundle_public_key"):
        verify_signature(bundle / "index.json", bundle / "index.json.sig", other.public)


@pytest.mark.parametrize("key", ["", "AAAA", "ssh-ed25519", "ssh-ed25519 AAAA\nbundle ssh-rsa AA"])
def test_what_is_no_key_is_refused(bundle: Path, key: str) -> None:
    with pytest.raises(InputError, match="wanted one line such as"):
        verify_signature(bundle / "index.json", bundle / "index.json.sig", key)


def test_missing_signature_is_named(bundle: Path, signer: Signer) -> None:
    with pytest.raises(InputError, match=r"nothing\.sig"):
        verify_signature(bundle / "index.json", bundle / "nothing.sig", signer.public)

"""Keys of a site: made once, never overwritten, private halves readable by their owner only."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyrage
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.secrets.certificates import key_usage
from ansible_collections.biomax.platform.plugins.module_utils.secrets.derive import SECRET_BYTES
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3650
LEAF_DAYS = 825  # the longest life that common TLS clients still accept for a private authority
APT_USER = "biomax.platform bundle <bundle@biomax.invalid>"


@dataclass(frozen=True)
class Mirror:
    """A mirror host as its certificate names it: DNS name and IP address."""

    name: str
    address: str

    @classmethod
    def parse(cls, text: str) -> Mirror:
        """Return the mirror that `name=address` describes, or raise InputError."""
        name, separator, address = text.partition("=")
        try:
            ipaddress.ip_address(address)
        except ValueError:
            separator = ""
        if not separator or not name:
            raise InputError(
                f"--mirror {text!r}: wanted name=address, as mirror1.example=192.0.2.10"
            )
        return cls(name, address)


def make_keys(directory: Path, mirrors: list[Mirror]) -> dict[str, bool]:
    """Make every key that `directory` lacks.

    Args:
        directory: made with mode 0700 when missing.
        mirrors: hosts that the mirror's certificate has to cover.

    Returns:
        Key by key whether it was made now; what existed is left as it is.

    Raises:
        InputError: an existing certificate does not cover `mirrors`, or half of a pair is gone.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = {
        "bundle_signing": _pair(directory, "bundle_signing", "bundle_signing.pub", _signing),
        "gnupg": _pair(directory, "gnupg", "apt.asc", _apt_key),
        "mirror-ca": _pair(directory, "mirror-ca.key", "mirror-ca.pem", _authority),
    }
    if mirrors:
        made["mirror"] = _pair(
            directory, "mirror.key", "mirror.pem", lambda where: _leaf(where, mirrors)
        )
        _check_covers(directory / "mirror.pem", mirrors)
    made["escrow"] = _pair(directory, "escrow-identity.txt", "escrow-recipient.txt", _escrow)
    made["site-secret"] = _pair(directory, "site-secret.txt", "site-secret.age", _site_secret)
    return made


def run_tool(*command: str, stdin: bytes | None = None) -> bytes:
    """Run `command`, return its output; PlatformError holds what it said when it fails."""
    try:
        result = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise PlatformError(
            f"The program {command[0]} was not found; install it and run the command again."
        ) from error
    if result.returncode:
        said = (result.stderr or result.stdout).decode("utf-8", "replace").strip()
        raise PlatformError(f"`{' '.join(command)}` ended with {result.returncode}: {said[-2000:]}")
    return result.stdout


def _pair(directory: Path, private: str, public: str, make: Callable[[Path], None]) -> bool:
    """Make a pair unless it exists; half of a pair is refused, since guessing could lose a key.

    `make` writes into an empty directory; the public half is moved last, so a cut run leaves
    either nothing or a private half, which the next run reports.
    """
    have = [(directory / name).exists() for name in (private, public)]
    if all(have):
        return False
    if any(have):
        missing = public if have[0] else private
        raise InputError(
            f"{directory} holds half of a pair: {private} and {public} belong together and "
            f"{missing} is missing. Restore it, or move the other half away to make a new pair."
        )
    work = directory / f".{private}.new"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    make(work)
    for name in (private, public):
        (work / name).rename(directory / name)
    work.rmdir()
    return True


def _signing(directory: Path) -> None:
    run_tool(
        *("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "biomax-bundle"),
        *("-f", str(directory / "bundle_signing")),
    )


def _apt_key(directory: Path) -> None:
    home = directory / "gnupg"
    home.mkdir(mode=0o700)
    with gpg(home) as command:
        generate = ("--passphrase", "", "--quick-generate-key", APT_USER, "ed25519", "sign")
        run_tool(*command, *generate, "never")
        (directory / "apt.asc").write_bytes(run_tool(*command, "--armor", "--export", APT_USER))


@contextmanager
def gpg(home: Path) -> Iterator[tuple[str, ...]]:
    """Yield the start of a gpg command line for the keys in `home`.

    gpg starts an agent by itself, whose socket lies in its home directory and whose path may have
    107 bytes at most (unix(7)): the home is reached through a short link, and the agent is ended.
    """
    with tempfile.TemporaryDirectory(prefix="bxg-") as directory:
        link = Path(directory, "h")
        link.symlink_to(home.resolve())
        try:
            yield ("gpg", "--homedir", str(link), "--batch", "--quiet")
        finally:
            run_tool("gpgconf", "--homedir", str(link), "--kill", "gpg-agent")


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _builder(subject: str, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # hosts' clocks may be behind
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority(directory: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "biomax.platform mirror CA")])
    certificate = (
        _builder("biomax.platform mirror CA", key, CA_DAYS)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_private(directory / "mirror-ca.key", _pem(key))
    (directory / "mirror-ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _leaf(work: Path, mirrors: list[Mirror]) -> None:
    """Write mirror.key and mirror.pem, signed by the authority in the directory above `work`."""
    authority = x509.load_pem_x509_certificate((work.parent / "mirror-ca.pem").read_bytes())
    signer = serialization.load_pem_private_key(
        (work.parent / "mirror-ca.key").read_bytes(), password=None
    )
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise InputError(f"{work.parent}/mirror-ca.key is no elliptic-curve key; make a new pair.")
    names: list[x509.GeneralName] = [x509.DNSName(mirror.name) for mirror in mirrors]
    names += [x509.IPAddress(ipaddress.ip_address(mirror.address)) for mirror in mirrors]
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(mirrors[0].name, key, LEAF_DAYS)
        .issuer_name(authority.subject)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    _write_private(work / "mirror.key", _pem(key))
    (work / "mirror.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _check_covers(path: Path, mirrors: list[Mirror]) -> None:
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    names = set(covered.get_values_for_type(x509.DNSName))
    addresses = {str(value) for value in covered.get_values_for_type(x509.IPAddress)}
    lacking = [m.name for m in mirrors if m.name not in names]
    lacking += [m.address for m in mirrors if m.address not in addresses]
    if lacking:
        raise InputError(
            f"{path} does not cover {', '.join(lacking)} (it covers "
            f"{', '.join(sorted(names | addresses))}). Move mirror.pem and mirror.key away and run "
            "the command again with every mirror; hosts keep trusting the authority."
        )


def _escrow(directory: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    _write_private(directory / "escrow-identity.txt", f"{identity}\n".encode())
    (directory / "escrow-recipient.txt").write_text(f"{identity.to_public()}\n", encoding="utf-8")


def _site_secret(work: Path) -> None:
    """Write the secret, and a copy sealed to the escrow in the directory above `work`."""
    text = (work.parent / "escrow-recipient.txt").read_text(encoding="utf-8").strip()
    secret = base64.b64encode(secrets.token_bytes(SECRET_BYTES)) + b"\n"
    _write_private(work / "site-secret.txt", secret)
    sealed = pyrage.encrypt(secret, [pyrage.x25519.Recipient.from_str(text)], armored=True)
    (work / "site-secret.age").write_bytes(sealed)

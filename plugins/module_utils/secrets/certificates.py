# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authority inside the cluster, and certificates of services.

Everything follows from the site's secret and the date, so nothing is stored, nothing can be lost,
and a template that is rendered twice on a day gives the same text. Signatures are deterministic
ECDSA (RFC 6979).
"""

from __future__ import annotations

import datetime as dt

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.secrets.derive import derive
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

RENEWED_EVERY = dt.timedelta(days=90)
VALID_FOR = dt.timedelta(days=365)
_CLOCKS_DIFFER = dt.timedelta(days=1)
_EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
_AUTHORITY_VALID_FOR = dt.timedelta(days=7305)  # 20 years: replacing it needs a new site secret
_SERIAL_BYTES = 19  # RFC 5280 allows 20, of which the first bit must be 0
_ORDER = int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16)  # of P-256


def internal_ca(site_secret: str, site_name: str) -> str:
    """Make the certificate of the authority that signs services' certificates.

    Args:
        site_secret: The site's secret: base64 of 32 random bytes.
        site_name: Name of the site.

    Returns:
        The certificate, PEM.

    Raises:
        InputError: The secret has another form.
    """
    return _pem(_authority(site_secret, site_name))


def service_certificate(
    site_secret: str,
    site_name: str,
    service: str,
    domain: str = "cluster.local",
    now: dt.datetime | None = None,
) -> dict[str, str]:
    """Make the certificate of a service, valid for a year and another one every 90 days.

    Args:
        site_secret: The site's secret: base64 of 32 random bytes.
        site_name: Name of the site.
        service: ``name.namespace`` of the service.
        domain: DNS domain of the cluster.
        now: The time; none means now.

    Returns:
        ``tls.crt``, ``tls.key`` and ``ca.crt`` in PEM, as a Secret of type kubernetes.io/tls.

    Raises:
        InputError: The secret has another form, or the service is not ``name.namespace``.
    """
    name, _, namespace = service.partition(".")
    if not name or not namespace or "." in namespace:
        raise InputError(f"Expected name.namespace of a service, found {service!r}.")
    window = ((now or dt.datetime.now(dt.timezone.utc)) - _EPOCH) // RENEWED_EVERY
    start = _EPOCH + window * RENEWED_EVERY
    authority = _authority(site_secret, site_name)
    signer = _key(site_secret, "internal-ca")
    purpose = f"certificate/{service}/{window}"
    key = _key(site_secret, purpose)
    names = [name, service, f"{service}.svc", f"{service}.svc.{domain}"]
    certificate = (
        _builder(f"{service}.svc", key, derive(site_secret, f"serial/{purpose}", _SERIAL_BYTES))
        .issuer_name(authority.subject)
        .not_valid_before(start - _CLOCKS_DIFFER)
        .not_valid_after(start + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, names)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, SHA256(), ecdsa_deterministic=True)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"tls.crt": _pem(certificate), "tls.key": private, "ca.crt": _pem(authority)}


def _authority(site_secret: str, site_name: str) -> x509.Certificate:
    key = _key(site_secret, "internal-ca")
    subject = f"{site_name} internal CA"
    return (
        _builder(subject, key, derive(site_secret, "serial/internal-ca", _SERIAL_BYTES))
        .issuer_name(_name(subject))
        .not_valid_before(_EPOCH)
        .not_valid_after(_EPOCH + _AUTHORITY_VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
        .sign(key, SHA256(), ecdsa_deterministic=True)
    )


def _builder(
    subject: str, key: ec.EllipticCurvePrivateKey, serial: bytes
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .public_key(key.public_key())
        .serial_number(int.from_bytes(serial, "big") or 1)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key(site_secret: str, purpose: str) -> ec.EllipticCurvePrivateKey:
    # 8 bytes more than the order has make the remainder uniform (FIPS 186-5, A.2.1).
    number = int.from_bytes(derive(site_secret, f"key/{purpose}", 40), "big")
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


def _name(subject: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def key_usage(*, authority: bool) -> x509.KeyUsage:
    """Say what a key is for: an authority's signs certificates, any other its own messages."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )

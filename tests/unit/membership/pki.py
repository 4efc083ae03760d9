"""Authorities and certificates that live a day, made once per name."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """An authority with one certificate that it signed, for servers and clients."""

    ca: str
    certificate: str
    key: str
    fingerprint: str
    ends: datetime


@cache
def authority(name: str, addresses: tuple[str, ...] = ("127.0.0.1",)) -> Authority:
    """Make an authority and a certificate for `addresses`; all authorities have one subject."""
    ends = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=24)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ca = (
        _builder(issuer, issuer, ends)
        .public_key(ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    names = [x509.IPAddress(ip_address(address)) for address in addresses]
    leaf = (
        _builder(subject, issuer, ends)
        .public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Authority(
        _pem(ca),
        _pem(leaf),
        private.decode(),
        hashlib.sha256(ca.public_bytes(serialization.Encoding.DER)).hexdigest(),
        ends,
    )


def kubeconfig(made: Authority, server: str = "https://api.example.org:8443") -> str:
    """Write a kubeconfig as kubeadm does."""
    return f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {_b64(made.ca)}
    server: {server}
  name: site
contexts:
- context:
    cluster: site
    user: someone
  name: someone@site
current-context: someone@site
kind: Config
users:
- name: someone
  user:
    client-certificate-data: {_b64(made.certificate)}
    client-key-data: {_b64(made.key)}
"""


def _builder(subject: x509.Name, issuer: x509.Name, ends: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - timedelta(hours=25))
        .not_valid_after(ends)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()

"""Kubeconfigs: what a site has is read, everything else is refused before a request."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import read_access
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

from tests.support.apiserver import issue

CA = issue("ca")
ADMIN = issue("admin", issuer=CA)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def write(directory: Path, cluster: Any = None, user: Any = None) -> Path:
    path = directory / "kubeconfig"
    entry = {
        "server": "https://192.0.2.5:8443/",
        "certificate-authority-data": encoded(CA.certificate_pem()),
    }
    content = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": entry | (cluster or {})}],
        "users": [{"name": "u", "user": {"token": "t"} if user is None else user}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


EMBEDDED = {
    "client-certificate-data": encoded(ADMIN.certificate_pem()),
    "client-key-data": encoded(ADMIN.key_pem()),
}


def test_embedded_certificates(tmp_path: Path) -> None:
    access = read_access(write(tmp_path, {"tls-server-name": "api.example.org"}, EMBEDDED))
    assert access.server == "https://192.0.2.5:8443"
    assert access.headers() == {}
    pool = access.pool()
    assert pool.connection_pool_kw["server_hostname"] == "api.example.org"
    assert pool.connection_pool_kw["ssl_context"].verify_mode.name == "CERT_REQUIRED"
    assert pool.connection_pool_kw["ssl_context"].check_hostname is True


def test_files_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "admin.pem").write_bytes(ADMIN.certificate_pem())
    (tmp_path / "admin.key").write_bytes(ADMIN.key_pem())
    user = {"client-certificate": "admin.pem", "client-key": "admin.key"}
    assert read_access(write(tmp_path, user=user)).key == ADMIN.key_pem().decode()


def test_a_token(tmp_path: Path) -> None:
    access = read_access(write(tmp_path))
    assert access.headers() == {"Authorization": "Bearer t"}
    assert "server_hostname" not in access.pool().connection_pool_kw


@pytest.mark.parametrize(
    ("cluster", "user", "message"),
    [
        ({"server": "http://192.0.2.5"}, None, "needs an https:// server and its authority"),
        ({"certificate-authority-data": ""}, None, "needs an https:// server and its authority"),
        (None, {"exec": {"command": "login"}}, "its user has exec"),
        (None, {}, "its user has nothing"),
        (None, {"client-certificate": "absent.pem"}, "Cannot read kubeconfig"),
        (None, {"client-certificate-data": "***"}, "Cannot read kubeconfig"),
    ],
)
def test_refused(tmp_path: Path, cluster: Any, user: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_access(write(tmp_path, cluster, user))


@pytest.mark.parametrize("text", ["", "nonsense", "{", "{current-context: x, contexts: []}"])
def test_no_kubeconfig(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(InputError, match=f"Cannot read kubeconfig {path}"):
        read_access(path)


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    damaged = {**EMBEDDED, "client-key-data": encoded(b"nothing")}
    with pytest.raises(InputError, match=r"Cannot use the certificates for https://192\.0\.2\.5"):
        read_access(write(tmp_path, user=damaged)).pool()


def test_another_key_is_named(tmp_path: Path) -> None:
    other = {**EMBEDDED, "client-key-data": encoded(issue("other").key_pem())}
    with pytest.raises(InputError, match="Cannot use the certificates"):
        read_access(write(tmp_path, user=other)).pool()

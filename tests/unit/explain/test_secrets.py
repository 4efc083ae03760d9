"""Secrets leave a text, the words around them stay."""

from __future__ import annotations

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.explain.secrets import hide


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("kubeadm join --token abcdef.0123456789abcdef refused", "0123456789abcdef"),
        ("--certificate-key 8f3a9c refused", "8f3a9c"),
        ("password=hunter2, refused", "hunter2"),
        ("password: correct-horse refused", "correct-horse"),
        ("token: 8f3a9c0d1e refused", "8f3a9c0d1e"),
        ('{"db_password": "hunter2"} refused', "hunter2"),
        ("GET https://operator:hunter2@mirror1/ refused", "hunter2"),
        ("Authorization: Bearer abc123 refused", "abc123"),
        ("identity AGE-SECRET-KEY-1QQPZRY9X8 refused", "1QQPZRY9X8"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln refused", "eyJzdWIiOiIxIn0"),
        (
            "key -----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\nrefused",
            "MHcCAQEE",
        ),
        ("refused: -----BEGIN PRIVATE KEY-----\nMHcCAQEE cut off", "MHcCAQEE"),
    ],
)
def test_secret_is_hidden_and_reason_stays(text: str, secret: str) -> None:
    shown = hide(text)
    assert secret not in shown
    assert "refused" in shown


@pytest.mark.parametrize(
    "text",
    [
        "Cannot apply Secret kube-system/bootstrap-token-abcdef: forbidden",
        "invalid token: expired",
        "the registry at 192.0.2.10:5000 does not answer",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert hide(text) == text

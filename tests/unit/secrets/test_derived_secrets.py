"""Passwords, keys and certificates that follow from the site's secret."""

from __future__ import annotations

import base64
import datetime as dt
import subprocess
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.secrets.certificates import (
    internal_ca,
    service_certificate,
)
from ansible_collections.biomax.platform.plugins.module_utils.secrets.derive import (
    derive,
    service_key,
    service_password,
)
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

SECRET = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()
NOW = dt.datetime(2026, 11, 30, tzinfo=dt.timezone.utc)


def test_a_value_can_be_made_without_this_code() -> None:
    command = ["openssl", "kdf", "-keylen", "32", "-binary", "-kdfopt", "digest:SHA256"]
    command += ["-kdfopt", f"hexkey:{bytes(range(32)).hex()}"]
    command += ["-kdfopt", "info:biomax.platform backup/1", "HKDF"]
    done = subprocess.run(command, check=True, capture_output=True)
    assert done.stdout == base64.b64decode(service_key(SECRET, "backup/1"))


@given(st.text(min_size=1), st.text(min_size=1))
def test_each_purpose_has_its_own_value(one: str, other: str) -> None:
    same = derive(SECRET, one, 32) == derive(SECRET, other, 32)
    assert same is (one == other)


@given(st.text(min_size=1))
def test_passwords_are_plain_words_that_stay(purpose: str) -> None:
    password = service_password(SECRET, purpose)
    assert password == service_password(f"{SECRET}\n", purpose) != service_password(OTHER, purpose)
    assert len(password) == 32
    assert password.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    ("secret", "purpose", "message"),
    [
        ("", "a", "holds 0 bytes, wanted 32"),
        ("c2hvcnQ=", "a", "holds 5 bytes, wanted 32"),
        ("not base64!", "a", "no base64"),
        (None, "a", "no base64"),
        (SECRET, "", "needs a purpose"),
    ],
)
def test_bad_input_is_refused_without_being_shown(secret: str, purpose: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as told:
        service_password(secret, purpose)
    assert not secret or secret not in str(told.value)


def test_a_certificate_is_the_same_all_day_and_another_one_next_quarter() -> None:
    made = service_certificate(SECRET, "lab", "store.data", now=NOW)
    assert made == service_certificate(SECRET, "lab", "store.data", now=NOW + dt.timedelta(hours=9))
    later = service_certificate(SECRET, "lab", "store.data", now=NOW + dt.timedelta(days=90))
    assert later["tls.key"] != made["tls.key"]
    assert later["ca.crt"] == made["ca.crt"] == internal_ca(SECRET, "lab")


@given(st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2045, 1, 1)))
def test_a_certificate_is_valid_now_and_for_nine_months(moment: dt.datetime) -> None:
    now = moment.replace(tzinfo=dt.timezone.utc)
    made = service_certificate(SECRET, "lab", "store.data", now=now)
    certificate = x509.load_pem_x509_certificate(made["tls.crt"].encode())
    assert certificate.not_valid_before_utc <= now - dt.timedelta(hours=23)
    assert certificate.not_valid_after_utc >= now + dt.timedelta(days=270)


def test_openssl_trusts_it_under_each_name_of_the_service(tmp_path: Path) -> None:
    made = service_certificate(SECRET, "lab", "store.data", "cluster.local")
    for name, text in made.items():
        (tmp_path / name).write_text(text)
    names = ["store", "store.data", "store.data.svc", "store.data.svc.cluster.local"]
    for name in names:
        subprocess.run(
            [
                *("openssl", "verify", "-x509_strict", "-purpose", "sslserver"),
                *("-verify_hostname", name, "-CAfile", str(tmp_path / "ca.crt")),
                str(tmp_path / "tls.crt"),
            ],
            check=True,
            capture_output=True,
        )
    public = ["openssl", "pkey", "-pubout", "-in", str(tmp_path / "tls.key")]
    named = ["openssl", "x509", "-pubkey", "-noout", "-in", str(tmp_path / "tls.crt")]
    assert subprocess.check_output(public) == subprocess.check_output(named)


def test_two_services_and_two_sites_share_no_key() -> None:
    made = [
        service_certificate(secret, "lab", service, now=NOW)["tls.key"]
        for secret in (SECRET, OTHER)
        for service in ("store.data", "store.other", "other.data")
    ]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("service", ["store", "store.", ".data", "store.data.svc", ""])
def test_a_service_is_named_with_its_namespace(service: str) -> None:
    with pytest.raises(InputError, match=r"name\.namespace"):
        service_certificate(SECRET, "lab", service)

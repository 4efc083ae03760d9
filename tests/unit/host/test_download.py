"""Artifacts over HTTPS from a mirror that is known by address, and archives."""

from __future__ import annotations

import datetime
import hashlib
import http.server
import io
import ssl
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.module_utils.host.mirror import Mirror
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Context
from ansible_collections.biomax.platform.plugins.module_utils.host.source import BundleSource
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.host.bundles import Bundle, make_key, sign
from tests.unit.host.simulated import SimulatedHost

NAME = "mirror.example.org"
MEMBERS = {"bin/one": b"program one", "bin/two": b"program two"}


def certificate(folder: Path) -> Path:
    """Write a self-signed certificate for NAME with its key into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "mirror.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    return path


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and notes the name it was asked by."""

    asked: list[str] = []  # noqa: RUF012 - one list for all requests of a test on purpose

    def do_GET(self) -> None:
        self.asked.append(self.headers["Host"])
        super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path, bundle: Bundle) -> Iterator[tuple[Mirror, str]]:
    """Serve the bundle over HTTPS; return the mirror and its CA as PEM text."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www/bundle").symlink_to(bundle.directory)
    pem = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)

    def handler(*args: Any) -> Quiet:
        return Quiet(*args, directory=str(tmp_path / "www"))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Mirror(f"https://{NAME}:{server.server_port}", "127.0.0.1"), pem.read_text()
    server.shutdown()
    server.server_close()


def context_of(simulated: SimulatedHost, mirror: Mirror, key: str, authority: str) -> Context:
    host = simulated.host
    source = BundleSource(host, [mirror], key, authority)
    return Context(host, Hashes(host.state("hashes.json")), source)


def test_a_bare_host_needs_no_names_and_no_files(
    simulated: SimulatedHost, served: tuple[Mirror, str], bundle: Bundle
) -> None:
    context = context_of(simulated, served[0], bundle.key, served[1])
    entry = {"artifact": "probe-tool", "dest": "/opt/bin", "version": "new"}
    simulated.converge([entry], context=context)
    assert (simulated.root / "opt/bin/probe-tool").read_bytes() == b"new tool"
    assert set(Quiet.asked) == {NAME}


def test_a_mirror_with_another_ca_is_not_used(
    simulated: SimulatedHost, served: tuple[Mirror, str], bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = certificate(tmp_path / "other").read_text()
    context = context_of(simulated, served[0], bundle.key, other)
    with pytest.raises(PlatformError, match="certificate verify failed"):
        context.source.index()


def test_a_missing_file_names_the_answer(
    simulated: SimulatedHost, served: tuple[Mirror, str], bundle: Bundle
) -> None:
    context = context_of(simulated, served[0], bundle.key, served[1])
    with pytest.raises(PlatformError, match="files/none: the mirror answered 404"):
        context.source.open("files/none")


def archive_bundle(folder: Path, wrong_member: bool = False) -> str:
    """Write a bundle with one archive; return its public key."""
    (folder / "bundle/files").mkdir(parents=True)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        for name, data in MEMBERS.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(data)
            opened.addfile(member, io.BytesIO(data))
    data = buffer.getvalue()
    (folder / "bundle/files/set.tar").write_bytes(data)
    sums = {Path(m).name: hashlib.sha256(d).hexdigest() for m, d in MEMBERS.items()}
    if wrong_member:
        sums["two"] = "0" * 64
    entry = Entry(
        *("file", "set", "files/set.tar", len(data), "1"),
        sha256=hashlib.sha256(data).hexdigest(),
        install={"type": "archive", "members": {m: Path(m).name for m in MEMBERS}},
        member_sha256=sums,
    )
    key = make_key(folder)
    sign(folder / "bundle", key, [entry])
    return key.with_suffix(".pub").read_text().strip()


def archive_context(simulated: SimulatedHost, folder: Path, key: str) -> Context:
    link = simulated.root / "srv/archive"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(folder / "bundle")
    return context_of(simulated, Mirror("file:///srv/archive"), key, "")


def test_members_are_installed_and_repaired_alone(simulated: SimulatedHost, tmp_path: Path) -> None:
    key = archive_bundle(tmp_path)
    context = archive_context(simulated, tmp_path, key)
    entry = {"artifact": "set", "dest": "/opt/set"}
    outcome = simulated.converge([entry], context=context)
    assert outcome.plan.steps[0].detail == "1: /opt/set/one, /opt/set/two"
    two = simulated.root / "opt/set/two"
    before = two.stat().st_ino
    (simulated.root / "opt/set/one").write_text("tampered")
    repaired = simulated.converge([entry], context=context)
    assert repaired.plan.steps[0].detail == "1: /opt/set/one"
    assert two.stat().st_ino == before
    two.chmod(0o600)
    adjusted = simulated.converge([entry], context=context)
    assert adjusted.plan.steps[0].detail == "owner, mode or leftovers of /opt/set/two"
    assert simulated.converge([entry], context=context).plan.steps == ()
    assert simulated.leftovers() == []


def test_an_archive_that_a_power_cut_brought_back_is_removed(
    simulated: SimulatedHost, tmp_path: Path
) -> None:
    context = archive_context(simulated, tmp_path, archive_bundle(tmp_path))
    entry = {"artifact": "set", "dest": "/opt/set"}
    simulated.converge([entry], context=context)
    (simulated.root / "opt/set/.set.archive.biomax-new").write_bytes(b"half")
    cleaned = simulated.converge([entry], context=context)
    assert [step.action for step in cleaned.plan.steps] == ["adjust"]
    assert simulated.leftovers() == []
    assert simulated.converge([entry], context=context).plan.steps == ()


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"members": ["on"]}, "has no member 'on'. Did you mean 'one'?"),
        ({"version": "2"}, "The bundle has no file set version 2: it has 1"),
    ],
)
def test_wrong_members_and_versions(
    simulated: SimulatedHost, tmp_path: Path, more: dict[str, Any], text: str
) -> None:
    context = archive_context(simulated, tmp_path, archive_bundle(tmp_path))
    with pytest.raises(InputError) as caught:
        simulated.converge([{"artifact": "set", "dest": "/opt/set", **more}], context=context)
    assert text in str(caught.value)


def test_a_member_that_differs_from_the_index_is_refused(
    simulated: SimulatedHost, tmp_path: Path
) -> None:
    context = archive_context(simulated, tmp_path, archive_bundle(tmp_path, wrong_member=True))
    with pytest.raises(IntegrityError, match="its index and its archive do not agree"):
        simulated.converge([{"artifact": "set", "dest": "/opt/set"}], context=context)
    assert not (simulated.root / "opt/set/two").exists()
    assert simulated.leftovers() == []


def test_without_an_index_the_plan_says_so(simulated: SimulatedHost, bundle: Bundle) -> None:
    context = context_of(simulated, Mirror("file:///none"), bundle.key, "")
    entries: list[dict[str, Any]] = [
        {"file": "/etc/a", "content": "x"},
        {"artifact": "probe-tool", "dest": "/opt/bin"},
    ]
    plan = simulated.converge(entries, check=True, context=context).plan
    assert plan.steps[1].report()["detail"] == "into /opt/bin, known after the mirror answers"
    with pytest.raises(PlatformError, match=r"install artifact probe-tool .*No mirror answered"):
        simulated.converge(entries, context=context)

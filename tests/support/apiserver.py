"""A real API server with its etcd on loopback; no kubelets, no controllers."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import ClusterError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

START_SECONDS = 60.0  # about 8 s alone on 2 cores; the machine may be busy


@dataclass(frozen=True)
class Pair:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        """The key as PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )


def issue(name: str, organization: str = "", issuer: Pair | None = None) -> Pair:
    """Issue a certificate for 127.0.0.1 that lives for a day; without an issuer it is a CA."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organization:
        names.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    subject = x509.Name(names)
    now = datetime.datetime.now(datetime.timezone.utc)
    loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return Pair(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def program(name: str) -> Path:
    """Find a program that the bundle's builder compiled.

    Raises:
        FileNotFoundError: It was not built on this machine.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    built = sorted(
        (cache / "biomax-platform/bundle/program").glob(f"*/{name}"),
        key=lambda path: path.stat().st_mtime,
    )
    if not built:
        raise FileNotFoundError(f"{name} is not built on this machine: run `make bundle` first.")
    return built[-1]


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; its output goes to a file."""
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as child:
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def etcd_command(directory: Path, client: int, peer: int, *, syncs: bool = False) -> list[str]:
    """Command of an etcd; one that does not sync its log is faster, and not durable."""
    return [
        str(program("etcd")),
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
        *([] if syncs else ["--unsafe-no-fsync"]),
    ]


def server_command(directory: Path, etcd: int, secure: int, flags: Sequence[str] = ()) -> list[str]:
    """Command of an API server over that etcd, with further `flags`."""
    return [
        str(program("kube-apiserver")),
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={secure}",
        f"--cert-dir={directory}",
        f"--tls-cert-file={directory / 'server.pem'}",
        f"--tls-private-key-file={directory / 'server.key'}",
        f"--client-ca-file={directory / 'ca.pem'}",
        f"--service-account-key-file={directory / 'server.key'}",
        f"--service-account-signing-key-file={directory / 'server.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.96.0.0/12",
        "--authorization-mode=RBAC",
        # No controller here makes service accounts, and no pod answers webhooks.
        "--disable-admission-plugins="
        "ServiceAccount,MutatingAdmissionWebhook,ValidatingAdmissionWebhook",
        *flags,
    ]


@contextmanager
def api_server(
    directory: Path, flags: Sequence[str] = (), *, etcd_syncs: bool = False
) -> Iterator[Path]:
    """Start etcd and kube-apiserver; give the path of an administrator's kubeconfig.

    `flags` go to the API server over its own. etcd's process number is in the file `etcd.pid`.
    """
    peer, client, secure = free_port(), free_port(), free_port()
    authority = issue("test-ca")
    server = issue("kube-apiserver", issuer=authority)
    for name, content in {
        "ca.pem": authority.certificate_pem(),
        "server.pem": server.certificate_pem(),
        "server.key": server.key_pem(),
    }.items():
        (directory / name).write_bytes(content)
    etcd = etcd_command(directory, client, peer, syncs=etcd_syncs)
    kube = server_command(directory, client, secure, flags)
    kubeconfig = write_kubeconfig(directory / "kubeconfig", secure, authority)
    with (
        running(etcd, directory / "etcd.log") as store,
        running(kube, directory / "kube.log") as child,
    ):
        (directory / "etcd.pid").write_text(str(store.pid))
        wait_until_ready(open_client(str(kubeconfig)), child, directory / "kube.log")
        yield kubeconfig


def write_kubeconfig(path: Path, port: int, authority: Pair) -> Path:
    """Write an administrator's kubeconfig."""
    admin = issue("admin", "system:masters", authority)

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    cluster = {
        "server": f"https://127.0.0.1:{port}",
        "certificate-authority-data": encoded(authority.certificate_pem()),
    }
    user = {
        "client-certificate-data": encoded(admin.certificate_pem()),
        "client-key-data": encoded(admin.key_pem()),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
    path.write_text(yaml.safe_dump(content))
    path.chmod(0o600)
    return path


def wait_until_ready(client: KubeClient, child: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers /readyz.

    Raises:
        RuntimeError: It ended or did not become ready; the message ends with its log.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        try:
            client.text("/readyz")
            return
        except ClusterError:
            time.sleep(0.2)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise RuntimeError(f"kube-apiserver did not become ready:\n{tail}")

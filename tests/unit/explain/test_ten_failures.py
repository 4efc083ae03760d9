"""Ten failures as the real code words them, and the cause that is named for each."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.registry import Registry
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import error_of
from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.explain.evidence import (
    Place,
    evidence_of,
)
from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
)
from ansible_collections.biomax.platform.plugins.module_utils.explain.judge import first_cause
from ansible_collections.biomax.platform.plugins.module_utils.host import mirror
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.explain import recorded
from tests.unit.host.simulated import SimulatedHost

SITE = Site(
    inventory="inventories/site",
    addresses={"192.0.2.10": "mirror1", "192.0.2.21": "cp1", "192.0.2.101": "w1"},
    mirrors=["mirror1"],
    control_planes=["cp1", "cp2", "cp3"],
    variables=["kube_pod_subnet", "load_balancer_pools"],
    kubeconfig=".lab/kubeconfig",
)
YEAR = 365 * 86400.0


def cause(failure: Failure, *others: Failure) -> Cause:
    """Return the cause that a run with these failures names."""
    found = first_cause([*others, failure], SITE)
    assert found
    return found[1]


def failed(text: str, host: str = "w1", **more: Any) -> Failure:
    """Return a failure of one host, its evidence read on this machine."""
    more = more if "evidence" in more else {**more, "evidence": evidence_of(text)}
    return Failure(host=host, task="Converge", text=text, number=1, **more)


def message_of(act: Any) -> str:
    """Return what the product's own code says when `act` fails."""
    with pytest.raises(PlatformError) as caught:
        act()
    return str(caught.value)


@pytest.fixture(name="closed_port")
def fixture_closed_port() -> Iterator[int]:
    """A port of loopback that refuses: it is bound, so nobody takes it, and nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


@contextlib.contextmanager
def tls_server(folder: Path, starts: float, ends: float) -> Iterator[tuple[int, str]]:
    """Serve TLS with a new self-signed certificate; dates in seconds from now.

    Yields:
        Port and the certificate as PEM.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mirror1.example.org")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(seconds=starts))
        .not_valid_after(now + datetime.timedelta(seconds=ends))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), link:
                link.settimeout(5)
                context.wrap_socket(link, server_side=True).close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1]), pem.decode()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def ask(port: int, authority: str) -> str:
    """Return what the host layer says when it cannot read the bundle's index at this mirror."""
    there = mirror.Mirror(f"https://127.0.0.1:{port}")
    return message_of(lambda: mirror.open_file(Host(), there, "index.json", authority))


def test_package_missing() -> None:
    found = cause(failed(recorded.PACKAGE, evidence={}))
    assert "package no-such-package is not in the site's repository" in found.fact
    assert (found.host, found.command) == ("w1", "apt-cache policy no-such-package")
    assert "bundle/catalogue/packages.yml" in found.remedy


@pytest.mark.parametrize("text", [recorded.PORT_HAPROXY, recorded.PORT_NGINX, recorded.PORT_GO])
def test_port_taken(text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = cause(failed(text.replace("PORT", str(port))))
    program = Path("/proc/self/comm").read_text().strip()
    assert found.fact.startswith(f"port {port} is taken by {program}")
    assert (found.host, found.command) == ("w1", f"ss -ltnp 'sport = :{port}'")


def test_certificate_of_another_authority(tmp_path: Path) -> None:
    with tls_server(tmp_path, -60, 3600) as (port, _):
        other = tmp_path / "other"
        other.mkdir()
        with tls_server(other, -60, 3600) as (_, authority):
            found = cause(failed(ask(port, authority)))
    assert f"127.0.0.1:{port}" in found.fact
    assert "mirror1.example.org" in found.fact  # what the server shows was read
    assert "self-signed certificate" in found.fact
    assert found.command.startswith(f"openssl s_client -connect 127.0.0.1:{port}")
    assert "mirror_ca_certificate" in found.remedy


def test_certificate_of_a_server_that_could_not_be_asked() -> None:
    found = cause(failed(recorded.CERTIFICATE, evidence={}))
    assert found.fact.startswith(
        "it refuses the certificate of mirror1.example.org (mirror1.example.org:443): "
    )
    assert (found.host, found.typed_at) == ("w1", CONTROLLER)


def test_expired_certificate_with_a_right_clock(tmp_path: Path) -> None:
    with tls_server(tmp_path, -7200, -3600) as (port, authority):
        found = cause(failed(ask(port, authority)))
    assert "certificate has expired" in found.fact
    assert "new certificate" in found.remedy


def test_clock_wrong(tmp_path: Path) -> None:
    # The certificate is good at the controller's time, which is two years later than this host's.
    with tls_server(tmp_path, YEAR, 3 * YEAR) as (port, authority):
        text = ask(port, authority)
        found = cause(failed(text, clock_ahead=-2 * YEAR))
    assert "not yet valid" in text
    assert found.fact.startswith("its clock is 730 days behind the controller's")
    assert (found.host, found.command) == ("w1", "date -u")
    assert "chronyc" in found.remedy


def test_disk_full_as_a_write_meets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(atomic, "write_all", lambda _descriptor, data: os.write(full, data))
    text = message_of(lambda: atomic.write_file(tmp_path / "haproxy.cfg", b"one"))
    os.close(full)
    found = cause(failed(text))
    assert "disk is full" in found.fact
    assert found.command == f"df -h {tmp_path}/haproxy.cfg"


def test_disk_full_as_the_engine_foresees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = SimulatedHost(tmp_path / "host")
    row = os.statvfs_result((4096, 4096, 16384, 0, 0, 1000, 900, 900, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: row)
    entries = [{"file": "/etc/large.conf", "content": "x" * 100}]
    found = cause(failed(message_of(lambda: simulated.converge(entries))))
    assert f"the file system of {simulated.root}/etc is full: 0 of 64 MiB free" in found.fact
    assert found.command == f"df -h {simulated.root}/etc"


def test_a_full_disk_stands_behind_a_failed_package() -> None:
    full = {"path": "/var", "free_mib": 0, "total_mib": 64, "free_inodes": 100}
    found = cause(failed(recorded.PACKAGE_OF_FULL_DISK, evidence={"file_systems": [full]}))
    assert found.fact == "the file system of /var is full: 0 of 64 MiB free"
    assert found.command == "df -h /var"


def test_no_inodes() -> None:
    full = {"path": "/var", "free_mib": 60, "total_mib": 64, "free_inodes": 0}
    found = cause(failed("Writing /var/x: no", evidence={"file_systems": [full]}))
    assert (found.fact, found.command) == (
        "the file system of /var has no free inode",
        "df -i /var",
    )


def test_registry_down_where_it_runs(closed_port: int) -> None:
    registry = Registry(f"http://127.0.0.1:{closed_port}")
    text = message_of(lambda: registry.digest("pause", "3.10.2"))
    found = cause(failed(text, host="mirror1"))
    assert found.fact.startswith("the registry does not answer")
    assert (found.host, found.command) == (
        "mirror1",
        "systemctl status --no-pager -n 20 biomax-registry",
    )


def test_registry_down_behind_a_pod_that_is_not_ready() -> None:
    found = cause(failed(recorded.IMAGE_PULL, host=CONTROLLER, evidence={}))
    assert found.fact.startswith("the registry does not answer to w1")
    assert found.host == "mirror1"


def test_port_of_the_registry_is_taken_whole() -> None:
    text = "https://mirror1.example.org:50001/bundle/index.json: Connection refused"
    assert cause(failed(text, evidence={})).fact.startswith("the mirror does not answer")


def test_mirror_down_as_members_see_it(closed_port: int) -> None:
    there = mirror.Mirror(f"https://mirror1.example.org:{closed_port}", "127.0.0.1")
    text = message_of(lambda: mirror.open_file(Host(), there, "index.json", ""))
    found = cause(failed(text, evidence=evidence_of(text, Place(addresses={}))))
    assert found.fact.startswith("the mirror does not answer to w1"), (text, found)
    assert (found.host, found.command) == ("mirror1", "systemctl status --no-pager -n 20 nginx")


def test_etcd_slow() -> None:
    status = {"message": "etcdserver: request timed out", "code": 500}
    text = str(error_of("apply ConfigMap kube-system/x", 500, status))
    slow = {"etcd": {"state": "observed", "p99_ms": 412.5, "samples": 120}}
    found = cause(failed(text, host="cp1", evidence=slow))
    assert found.fact.startswith("etcd is slow: 99 of 100 syncs of its log take up to 412.5 ms")
    assert (found.host, found.command) == ("cp1", f"tail -n 20 {recorded.ETCD_LOG}")


def test_etcd_slow_behind_a_gate_that_stays_closed() -> None:
    found = cause(failed(recorded.GATE, host="cp1", evidence={}))
    assert found.fact.startswith("etcd does not answer in time: etcd member cp2 is not healthy")
    assert found.host == "cp2"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (recorded.VALUE_HOST, "base_os_packages"),
        (recorded.VALUE_COMPONENT, "load_balancer_address_pools"),
    ],
)
def test_wrong_value_of_a_component(text: str, name: str) -> None:
    found = cause(failed(text, evidence={}))
    assert found.fact.startswith(f"variable {name} (role ")
    assert found.command == (
        f"ansible-playbook playbooks/show_config.yml -i inventories/site | grep {name}"
    )
    assert (found.host, name in found.remedy) == (CONTROLLER, True)


def test_api_refuses_an_object() -> None:
    text = str(error_of("apply IPAddressPool metallb-system/lab", 422, recorded.INVALID))
    found = cause(failed(text, host=CONTROLLER, evidence={}))
    assert found.fact.startswith("the API refused IPAddressPool lab: ")
    assert "spec.addresses" in found.fact
    assert found.command == (
        "kubectl --kubeconfig .lab/kubeconfig get IPAddressPool -n metallb-system lab -o yaml"
    )


def test_api_refuses_its_caller() -> None:
    text = str(error_of("apply ConfigMap kube-system/x", 403, recorded.FORBIDDEN))
    found = cause(failed(text, host=CONTROLLER, evidence={}))
    assert 'User "nobody" cannot patch resource' in found.fact
    assert found.command == "kubectl --kubeconfig .lab/kubeconfig auth whoami"


@pytest.mark.parametrize("text", [recorded.API_SILENT, recorded.API_SLOW])
def test_api_does_not_answer(text: str) -> None:
    found = cause(failed(text, host=CONTROLLER, evidence={}))
    assert found.fact.startswith("the API does not answer")
    assert (found.host, found.command) == ("cp1", "crictl ps -a --name kube-apiserver")


def test_template_undefined() -> None:
    found = cause(failed(recorded.UNDEFINED, evidence={}))
    assert found.fact == (
        "variable kube_pod_subnett is not defined for w1; role base_os, template hosts.j2 uses it"
    )
    assert found.remedy.endswith("Did you mean kube_pod_subnet?")

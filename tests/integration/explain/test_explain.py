# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures planted on two bare hosts: the last lines name the true cause, and the command shows it.

Each test plants one defect, runs a playbook, reads its end and types the command that it names.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.explain.hosts import (
    APT_SOURCE,
    INSTANCE,
    MEMBER,
    MIRROR,
    Pair,
    write_inventory,
)
from tests.support.apiserver import issue
from tests.support.bundles import make_signer, write_bundle
from tests.support.site import ROOT, lab

pytestmark = pytest.mark.lab

PORT = 8443
ARTIFACT = {"artifact": "probe-tool", "dest": "/usr/local/bin"}
SERVE_TLS = """
import http.server, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/explain/server.pem")
server = http.server.HTTPServer(("0.0.0.0", 443), http.server.SimpleHTTPRequestHandler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
UNIT = f"""[Service]
Type=notify
ExecStart=/usr/sbin/sshd -D -e -p {PORT} -o ListenAddress=0.0.0.0
"""
LATE = """#!/bin/sh
exec env LD_PRELOAD=/opt/libfaketime.so.1 FAKETIME=-730d /usr/bin/python3 "$@"
"""
LISTEN = f"systemd-run --quiet --unit planted-listener python3 -m http.server {PORT}; sleep 1"
EMPTY_APT = f"""
mkdir -p /srv/explain/apt && : > /srv/explain/apt/Packages
printf 'Types: deb\\nURIs: file:/srv/explain/apt\\nSuites: ./\\nTrusted: yes\\n' > {APT_SOURCE}
"""


@pytest.fixture(scope="module", name="pair")
def fixture_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two bare hosts; they are thrown away afterwards."""
    lab("--instance", INSTANCE, "up", "--topology", "pair")
    try:
        status = json.loads(lab("--instance", INSTANCE, "status", "--json"))
        yield write_inventory(tmp_path_factory.mktemp("explain"), status)
    finally:
        lab("--instance", INSTANCE, "down", "--purge")


def send(pair: Pair, host: str, files: dict[str, bytes]) -> None:
    """Put files below / of a host."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    text = base64.b64encode(packed.getvalue()).decode()
    for start in range(0, len(text), 60_000):
        pair.sh(host, f"printf %s '{text[start : start + 60_000]}' >> /tmp/sent.b64")
    pair.sh(host, "base64 -d /tmp/sent.b64 | tar -xzC /; rm /tmp/sent.b64")


@pytest.fixture(scope="module", name="tls")
def fixture_tls(pair: Pair) -> Iterator[str]:
    """Serve TLS on the mirror; the value is the certificate of the authority that signed it."""
    authority = issue("authority of the mirror")
    server = issue("mirror.lab.biomax.internal", issuer=authority)
    pem = server.certificate_pem() + server.key_pem()
    send(pair, MIRROR, {"srv/explain/server.pem": pem, "srv/explain/tls.py": SERVE_TLS.encode()})
    pair.sh(MIRROR, "systemd-run --quiet --unit planted-tls python3 /srv/explain/tls.py; sleep 1")
    yield authority.certificate_pem().decode()
    pair.sh(MIRROR, "systemctl stop planted-tls")


def mirrors(pair: Pair) -> list[dict[str, str]]:
    """Return the mirror as the inventory would name it."""
    url = "https://mirror.lab.biomax.internal"
    return [{"name": MIRROR, "url": url, "address": pair.addresses[MIRROR]}]


def test_package_missing(pair: Pair) -> None:
    pair.sh(MEMBER, EMPTY_APT)
    end = pair.converge({"packages": ["no-such-package"]})
    assert end.fact.startswith(f"{MEMBER}: package no-such-package is not in the site's repository")
    assert end.seen() == ""  # apt knows nothing of it; a command that fails would say so
    assert "bundle/catalogue/packages.yml" in end.rows["do"]


def test_port_taken(pair: Pair) -> None:
    pair.sh(MEMBER, LISTEN)
    unit = {"file": "/etc/systemd/system/probe-ssh.service", "content": UNIT}
    end = pair.converge(unit, {"unit": "probe-ssh.service", "state": "running"})
    assert end.fact.startswith(f"{MEMBER}: port {PORT} is taken by python3"), end.output
    assert f":{PORT}" in end.seen()
    pair.sh(MEMBER, "systemctl stop planted-listener probe-ssh; rm /etc/systemd/system/probe-*")


def test_wrong_certificate(pair: Pair, tls: str) -> None:
    other = issue("another authority").certificate_pem().decode()
    end = pair.converge(ARTIFACT, probe_mirrors=mirrors(pair), probe_ca=other, probe_public_key="k")
    assert end.fact.startswith(f"{MEMBER}: it refuses the certificate of {MIRROR} (")
    assert "authority of the mirror" in end.fact
    assert "authority of the mirror" in end.seen()
    assert "mirror_ca_certificate" in end.rows["do"]


def test_disk_full(pair: Pair) -> None:
    mount = "mkdir -p /srv/small && mount -t tmpfs -o size=1m tmpfs /srv/small"
    pair.sh(MEMBER, f"{mount}; head -c 2M /dev/zero > /srv/small/fill; true")
    end = pair.converge({"file": "/srv/small/large.conf", "content": "x" * 1000})
    assert end.fact == f"{MEMBER}: the file system of /srv/small is full: 0 of 1 MiB free"
    assert "100% /srv/small" in end.seen()
    pair.sh(MEMBER, "umount /srv/small")


def test_a_full_disk_behind_a_package_that_fails(pair: Pair) -> None:
    pair.sh(MEMBER, EMPTY_APT)
    lists = "/var/lib/apt/lists"
    mount = f"mount -t tmpfs -o size=1m tmpfs {lists} && head -c 2M /dev/zero > {lists}/fill"
    pair.sh(MEMBER, f"{mount}; true")
    end = pair.converge({"packages": ["no-such-package"]})
    assert end.fact == f"{MEMBER}: the file system of {lists} is full: 0 of 1 MiB free", end.output
    pair.sh(MEMBER, f"umount {lists}")


def test_registry_down(pair: Pair, tmp_path: Path) -> None:
    signer = make_signer(tmp_path)
    bundle = tmp_path / "bundle"
    write_bundle(bundle, signer, {}, image_layer=b"layer")
    names = [path for path in bundle.rglob("*") if path.is_file()]
    send(pair, MIRROR, {f"srv/explain/{p.relative_to(tmp_path)}": p.read_bytes() for p in names})
    end = pair.run("send_images.yml", probe_public_key=signer.public)
    assert end.fact.startswith(
        f"{MIRROR}: the registry does not answer: HEAD http://127.0.0.1:5000"
    )
    assert "biomax-registry" in end.seen()


def test_mirror_down_as_a_member_sees_it(pair: Pair) -> None:
    there = [{**mirrors(pair)[0], "url": "https://mirror.lab.biomax.internal:9443"}]
    end = pair.converge(ARTIFACT, probe_mirrors=there, probe_public_key="k")
    assert end.fact.startswith(f"{MIRROR}: the mirror does not answer to {MEMBER}")
    assert "nginx" in end.seen()


def test_wrong_value_of_a_role(pair: Pair) -> None:
    end = pair.run("converge.yml", probe_entries={"a": 1})
    assert end.fact.startswith("controller: variable probe_entries (role probe) has a wrong value")
    assert end.rows["see"].endswith("| grep probe_entries")


def test_api_does_not_answer(pair: Pair) -> None:
    authority = base64.b64encode(issue("ca").certificate_pem()).decode()
    server = f"https://{pair.addresses[MEMBER]}:6443"
    cluster = {"server": server, "certificate-authority-data": authority}
    config = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (pair.state / "kubeconfig").write_text(json.dumps(config))
    end = pair.run("deploy.yml")
    assert end.fact.startswith(
        f"{MEMBER}: the API does not answer: Cannot reach the Kubernetes API"
    )
    assert end.rows["see"].endswith("crictl ps -a --name kube-apiserver")


def test_clock_wrong(pair: Pair, tls: str) -> None:
    subprocess.run([str(ROOT / "tools/ensure-packages"), "libfaketime"], check=True)
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")).read_bytes()
    late = "usr/local/bin/python3-late"
    send(pair, MEMBER, {"opt/libfaketime.so.1": library, late: LATE.encode()})
    end = pair.converge(
        ARTIFACT,
        probe_mirrors=mirrors(pair),
        probe_ca=tls,
        probe_public_key="k",
        ansible_python_interpreter=f"/{late}",
    )
    assert end.fact.startswith(f"{MEMBER}: its clock is 730 days behind the controller's"), (
        end.output
    )
    assert "UTC" in end.seen()


def test_template_undefined(pair: Pair) -> None:
    entry = {"file": "/etc/probe.conf", "template": "probe.conf.j2"}
    end = pair.converge(entry, probe_text="{{ site_domian }}")
    assert end.fact.startswith(f"controller: variable site_domian is not defined for {MEMBER}")
    assert end.rows["do"].endswith("Did you mean site_domain?")
    assert "site_domian" in end.seen()

"""What an attacker or a lost host must not give away, looked at on the formed cluster."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pyrage
import pytest
import yaml

from tests.support.site import ROOT, on_host

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
ETCDCTL = (
    "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt"
    " --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key"
)
STATE = ROOT / ".lab"


def anonymous(path: str, authority: Path) -> str:
    """Return the HTTP code that a client without credentials gets through the endpoint."""
    curl = ["curl", "--silent", "--max-time", "5", "--output", "/dev/null"]
    options = ["--write-out", "%{http_code}", "--cacert", str(authority)]
    target = ["--connect-to", "::10.77.0.5:8443", f"https://api.lab.biomax.internal:8443{path}"]
    done = subprocess.run([*curl, *options, *target], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.lab
def test_secrets_are_encrypted_in_etcd(site: str) -> None:
    stored = on_host(
        "cp2",
        f"{KUBECTL} create secret generic planted --from-literal=word=plainword >/dev/null;"
        f" {ETCDCTL} get /registry/secrets/default/planted | tr -cd '[:print:]';"
        f" {KUBECTL} delete secret planted >/dev/null",
    )
    assert "k8s:enc:secretbox:v1:" in stored
    assert "plainword" not in stored


@pytest.mark.lab
def test_the_escrow_alone_opens_the_encryption_key(site: str) -> None:
    identity = pyrage.x25519.Identity.from_str(
        next(
            line
            for line in (STATE / "keys/escrow-identity.txt").read_text().splitlines()
            if line.startswith("AGE-SECRET-KEY-")
        )
    )
    live = on_host("cp3", "cat /etc/kubernetes/platform/encryption.yaml")
    providers = yaml.safe_load(live)["resources"].pop()["providers"]
    secret = providers[0]["secretbox"]["keys"][0]["secret"]
    opened = [
        pyrage.decrypt(path.read_bytes(), [identity]).decode()
        for path in (STATE / "escrow").glob("*.age")
    ]
    assert any(secret in text for text in opened)
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(
            next((STATE / "escrow").glob("*.age")).read_bytes(),
            [pyrage.x25519.Identity.generate()],
        )


@pytest.mark.lab
def test_without_credentials_only_health_is_answered(site: str, tmp_path: Path) -> None:
    kubeconfig = yaml.safe_load((STATE / "kubeconfig").read_text())
    authority = tmp_path / "ca.pem"
    data = kubeconfig["clusters"].pop()["cluster"]["certificate-authority-data"]
    authority.write_bytes(base64.b64decode(data))
    health = {path: anonymous(path, authority) for path in ("/livez", "/readyz", "/healthz")}
    assert set(health.values()) == {"200"}, health
    closed = ("/version", "/api", "/api/v1/namespaces", "/openapi/v3", "/metrics")
    answers = {path: anonymous(path, authority) for path in closed}
    assert set(answers.values()) == {"401"}, answers


@pytest.mark.lab
def test_nothing_of_a_join_stays(site: str) -> None:
    assert "cluster-info" not in on_host("cp1", f"{KUBECTL} -n kube-public get configmaps")
    left = on_host("cp1", f"{KUBECTL} -n kube-system get secrets -o name")
    assert "bootstrap-token" not in left
    assert "kubeadm-certs" not in left


@pytest.mark.lab
def test_reads_of_secrets_are_audited_without_their_content(site: str) -> None:
    on_host("cp1", f"{KUBECTL} create secret generic audited --from-literal=word=plainword")
    on_host("cp1", f"{KUBECTL} delete secret audited")
    trail = "".join(
        on_host(host, 'grep -h \'"name":"audited"\' /var/log/kubernetes/audit/audit.log || true')
        for host in ("cp1", "cp2", "cp3")
    )
    assert '"verb":"create"' in trail
    assert "plainword" not in trail
    assert base64.b64encode(b"plainword").decode() not in trail

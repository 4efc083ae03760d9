"""Wrong inventories and leftovers: a plain error before anything is touched, nothing lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.inventories import edited_inventory
from tests.support.site import Run, on_host, run_playbook

HOSTS = ("mirror1", "cp1", "cp2", "cp3", "app1", "db1", "ml1")
OPENSSL = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=another"]
TOUCHED = "find /etc /var/lib/biomax-platform /usr/local/bin -newer /run/before-bad-input -type f"


def refused(inventory: str) -> str:
    """Run site.yml, check that it failed and that no host was changed; return what it printed."""
    for host in HOSTS:
        on_host(host, "touch /run/before-bad-input")
    run: Run = run_playbook("site.yml", inventory=inventory)
    assert run.returncode != 0, run.output[-3000:]
    assert run.counter("changed") == {}, run.changed_tasks()
    for host in HOSTS:
        assert on_host(host, f"{TOUCHED} | grep -v -e /lock$ -e hashes.json || true") == "", host
    return run.output


@pytest.mark.lab
def test_every_mistake_in_one_report_before_anything_is_touched(site: str, tmp_path: Path) -> None:
    said = refused(
        edited_inventory(
            tmp_path,
            "10.77.0.51",
            "10.77.0.31",
            kube_pod_subnet="10.96.0.0/16",
            kube_pod_subnett="10.1.0.0/16",
        )
    )
    for word in ("app1", "ml1", "10.77.0.31", "10.96.0.0/16", "10.96.0.0/12", "kube_pod_subnett"):
        assert word in said, said[-3000:]


@pytest.mark.lab
def test_leftovers_of_another_cluster(site: str, tmp_path: Path) -> None:
    authority = tmp_path / "ca.crt"
    subprocess.run(
        [*OPENSSL, "-keyout", str(tmp_path / "ca.key"), "-out", str(authority)],
        capture_output=True,
        check=True,
    )
    on_host("ml1", "cp -a /etc/kubernetes /root/kubernetes.aside")
    try:
        on_host("ml1", f"printf %s '{authority.read_text()}' > /etc/kubernetes/pki/ca.crt")
        said = refused("inventories/lab")
        assert "ml1" in said
        assert "another cluster" in said
    finally:
        on_host("ml1", "rm -rf /etc/kubernetes && mv /root/kubernetes.aside /etc/kubernetes")

"""Wrong inventories and leftovers: a plain error before anything is touched, nothing lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.site import ROOT, Run, on_host, run_playbook

HOSTS = ("mirror1", "cp1", "cp2", "cp3", "app1", "db1", "ml1")
TOUCHED = "find /etc /var/lib/biomax-platform /usr/local/bin -newer /run/before-bad-input -type f"


def edited_inventory(folder: Path, **changes: Any) -> str:
    """Return a copy of the lab inventory in which group_vars of `all` are overridden."""
    copy = folder / "lab"
    shutil.copytree(ROOT / "inventories/lab", copy)
    changes["site_state_dir"] = str(ROOT / ".lab")
    (copy / "group_vars/all/zz_changes.yml").write_text(yaml.safe_dump(changes))
    return str(copy)


def edited_hosts(folder: Path, old: str, new: str) -> str:
    """Return a copy of the lab inventory with `old` replaced in its hosts file."""
    inventory = Path(edited_inventory(folder))
    hosts = inventory / "hosts.yml"
    text = hosts.read_text()
    assert old in text
    hosts.write_text(text.replace(old, new))
    return str(inventory)


def refused(inventory: str, *arguments: str) -> str:
    """Run site.yml, check that it failed and that no host was changed; return what it printed."""
    for host in HOSTS:
        on_host(host, "touch /run/before-bad-input")
    run: Run = run_playbook("site.yml", *arguments, inventory=inventory)
    assert run.returncode != 0, run.output[-3000:]
    assert run.counter("changed") == {}, run.changed_tasks()
    for host in HOSTS:
        assert on_host(host, f"{TOUCHED} | grep -v -e /lock$ -e hashes.json || true") == "", host
    return run.output


@pytest.mark.lab
def test_two_hosts_with_one_address(site: str, tmp_path: Path) -> None:
    said = refused(edited_hosts(tmp_path, "10.77.0.51", "10.77.0.31"))
    assert "10.77.0.31" in said
    assert "app1" in said
    assert "ml1" in said


@pytest.mark.lab
def test_overlapping_networks(site: str, tmp_path: Path) -> None:
    said = refused(edited_inventory(tmp_path, kube_pod_subnet="10.96.0.0/16"))
    assert "10.96.0.0/16" in said
    assert "10.96.0.0/12" in said


@pytest.mark.lab
def test_misspelt_variable_gets_the_right_name(site: str, tmp_path: Path) -> None:
    said = refused(edited_inventory(tmp_path, kube_pod_subnett="10.1.0.0/16"))
    assert "kube_pod_subnett" in said
    assert "kube_pod_subnet" in said.replace("kube_pod_subnett", "")


@pytest.mark.lab
def test_leftovers_of_another_cluster(site: str) -> None:
    on_host(
        "ml1",
        "cp -a /etc/kubernetes /root/kubernetes.aside && openssl req -x509 -newkey rsa:2048 -nodes"
        " -days 2 -subj /CN=another -keyout /dev/null -out /etc/kubernetes/pki/ca.crt 2>/dev/null",
    )
    try:
        said = refused("inventories/lab")
        assert "ml1" in said
        assert "another cluster" in said
    finally:
        on_host("ml1", "rm -rf /etc/kubernetes && mv /root/kubernetes.aside /etc/kubernetes")


@pytest.mark.lab
def test_full_disk_is_named(site: str) -> None:
    """A small file system over the engine's state directory stands for a disk without space."""
    on_host(
        "ml1",
        "mount -t tmpfs -o size=1m tmpfs /var/lib/containerd && "
        "head -c 1048576 /dev/zero > /var/lib/containerd/full || true",
    )
    try:
        said = refused("inventories/lab")
        assert "ml1" in said
        assert "/var/lib/containerd" in said
    finally:
        on_host("ml1", "umount /var/lib/containerd")

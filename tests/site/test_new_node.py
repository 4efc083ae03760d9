"""A host that becomes a node of a running cluster: nothing changes on any other host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.inventories import edited_inventory
from tests.support.site import CONTROLLER, lab, on_host, run_playbook
from tests.support.units import UNITS, start_times

NEW = "ml1"
OTHERS = ("mirror1", "cp1", "cp2", "cp3", "app1", "db1")
DECLARED = """            db9:
              node_address: 10.77.0.49
              ansible_host: "{{ node_address }}"
              node_interface: host0
              failure_domain: lab-b
            db1:
"""
CONVERGE = "playbooks/converge_hosts.yml"
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


def make_blank(host: str) -> None:
    """Take a worker out of the cluster, as an operator would; kubeadm leaves the pod network."""
    on_host("cp1", f"{KUBECTL} delete node {host}")
    pods = f"--all-namespaces --field-selector spec.nodeName={host}"
    on_host("cp1", f"{KUBECTL} delete pods {pods} --force --grace-period=0")
    on_host(
        host,
        "kubeadm reset --force --kubeconfig /nonexistent"
        " --cri-socket unix:///run/containerd/containerd.sock"
        " && rm -f /var/lib/biomax-platform/membership/member.json /etc/cni/net.d/*",
    )
    lab("power-off", host)
    lab("power-on", host)


@pytest.mark.lab
def test_a_declared_node_changes_no_other_host(site: str, tmp_path: Path) -> None:
    """The declaration alone, before the host is there: what it would do to the others."""
    wider = edited_inventory(tmp_path, "            db1:\n", DECLARED)
    run = run_playbook(CONVERGE, "--check", "--limit", "all:!db9", inventory=wider)
    assert run.returncode == 0, run.output[-6000:]
    assert run.counter("changed") == {}, run.changed_tasks()
    asked = {host: run.executed_on(host, ("Fill", "Converge")) for host in OTHERS}
    assert all(asked.values()), f"a host was not looked at: {asked}"


@pytest.mark.lab
def test_a_new_node_changes_only_itself(site: str) -> None:
    before = {host: start_times(host) for host in OTHERS}
    make_blank(NEW)
    run = run_playbook("site.yml")
    assert run.returncode == 0, run.output[-6000:]
    # The closing play acts on the cluster through its leader: it takes the join's credentials back.
    changed = {
        host
        for task in run.record["tasks"]
        if task["play"] != "Close the run"
        for host in task.get("changed", ())
    }
    assert changed == {NEW, CONTROLLER}, run.changed_tasks()
    assert f"node_pools: update Node {NEW} " in run.output
    updates = [line for line in run.output.splitlines() if f"  {CONTROLLER}  " in line]
    assert all(f"Node {NEW} " in line for line in updates), updates
    assert {host: start_times(host) for host in OTHERS} == before, UNITS
    again = run_playbook("site.yml")
    assert again.returncode == 0, again.output[-6000:]
    assert again.counter("changed") == {}, again.changed_tasks()

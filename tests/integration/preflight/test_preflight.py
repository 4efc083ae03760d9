# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight on real hosts: silent when all is well; every planted fault in one report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.site import ROOT, Run, on_host, run_playbook

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("formed")]
HOST = "ml1"
TRACES = (
    "find /etc /usr/local /srv /var/lib -newer /run/preflight-mark -type f"
    " -not -path '/var/lib/systemd/*' -not -path '/var/lib/kubelet/*'"
    " -not -path '/var/lib/containerd/*' -not -path '/var/lib/etcd/*'"
    " -not -path '/var/lib/chrony/*'"
)
# For bare hosts and members alike: what a member uses is taken from it for a moment only.
PORT = 9443  # free on every host; the test declares it as the endpoint's
LISTEN = f"""
set -eu
systemd-run --quiet --unit=planted-listener python3 -m http.server {PORT}
for attempt in $(seq 50); do
    python3 -c 'import socket; socket.create_connection(("127.0.0.1", {PORT}), 1)' && exit 0
    sleep 0.1
done
exit 1
"""
FILL = """
set -eu
mkdir -p /var/lib/containerd /var/lib/etcd/member
mount -t tmpfs -o size=1m tmpfs /var/lib/containerd
"""


def edited(folder: Path, replacements: dict[str, str] | None = None, **changes: Any) -> str:
    """Return a copy of the lab inventory with other hosts and variables."""
    copy = Path(shutil.copytree(ROOT / "inventories/lab", folder / "inventory"))
    hosts = (copy / "hosts.yml").read_text()
    for old, new in (replacements or {}).items():
        assert old in hosts
        hosts = hosts.replace(old, new)
    (copy / "hosts.yml").write_text(hosts)
    # The keys of the lab are needed; a link keeps this report apart from the site's own.
    state = folder / "state"
    state.mkdir()
    for name in ("keys", "ssh", "bundle"):
        (state / name).symlink_to(ROOT / ".lab" / name)
    changes["site_state_dir"] = str(state)
    (copy / "group_vars/all/zz_changes.yml").write_text(yaml.safe_dump(changes))
    return str(copy)


def preflight(inventory: str, *arguments: str) -> tuple[Run, list[dict[str, str]]]:
    """Run preflight; return the run and the findings of its report."""
    run = run_playbook("playbooks/preflight.yml", *arguments, inventory=inventory)
    report = Path(inventory).parent / "state/preflight.json"
    assert report.exists(), run.output[-3000:]
    findings: list[dict[str, str]] = json.loads(report.read_text())["findings"]
    return run, findings


@pytest.fixture
def planted() -> Iterator[None]:
    """A control plane with a taken port; a worker with a full disk and etcd data of nobody."""
    on_host("cp1", LISTEN)
    on_host(HOST, FILL)
    yield
    on_host(HOST, "umount /var/lib/containerd; rmdir /var/lib/etcd/member")
    on_host("cp1", "systemctl stop planted-listener.service")


def test_a_clean_site_is_silent_cheap_and_untouched(tmp_path: Path) -> None:
    on_host(HOST, "touch /run/preflight-mark")
    run, findings = preflight(edited(tmp_path))
    assert (run.returncode, findings) == (0, []), run.output[-3000:]
    assert run.counter("changed") == {}
    executed = run.counter("executed")
    assert sorted(executed.values()) == [1, 1, 1, 1, 1, 1, 2]
    assert on_host(HOST, TRACES) == ""


def test_faults_of_hosts_and_inventory_are_in_one_report(planted: None, tmp_path: Path) -> None:
    inventory = edited(tmp_path, kube_pod_subnett="10.1.0.0/16", kube_api_port=PORT)
    run, findings = preflight(inventory)
    assert run.returncode != 0
    found = {(item["host"], item["check"]): item["found"] for item in findings}
    assert set(found) == {
        ("cp1", "ports"),
        (HOST, "disk"),
        (HOST, "leftovers"),
        ("(site)", "variables"),
    }
    assert found[("cp1", "ports")] == f"tcp port {PORT} taken by python3"
    assert found[(HOST, "disk")].startswith("/var/lib/containerd: ")
    assert "/var/lib/etcd" in found[(HOST, "leftovers")]
    for text in found.values():
        assert text in run.output


def test_an_unreachable_host_is_named_and_the_others_are_judged(tmp_path: Path) -> None:
    inventory = edited(tmp_path, {"10.77.0.51": "10.77.0.250"}, kube_api_address="10.77.0.21")
    run, findings = preflight(inventory)
    assert run.returncode != 0
    assert [(item["host"], item["check"]) for item in findings] == [
        ("cp1", "endpoint"),
        (HOST, "reachable"),
    ]
    assert "10.77.0.250" in findings[1]["found"]


def test_an_absent_host_is_left_out(tmp_path: Path) -> None:
    inventory = edited(
        tmp_path, {"10.77.0.51": "10.77.0.250", "      hosts: {}": f"      hosts: {{{HOST}: }}"}
    )
    run, findings = preflight(inventory)
    assert (run.returncode, findings) == (0, []), run.output[-3000:]
    assert HOST not in run.counter("executed")


def test_a_limit_probes_its_hosts_and_judges_the_whole_inventory(tmp_path: Path) -> None:
    inventory = edited(tmp_path, {"10.77.0.31": "10.77.0.51"})
    run, findings = preflight(inventory, "--limit", "cp2")
    assert run.returncode != 0
    assert {item["host"] for item in findings} == {"app1", HOST}
    assert set(run.counter("executed")) == {"cp2"}


def test_the_first_host_may_be_the_dead_one(tmp_path: Path) -> None:
    run, findings = preflight(
        edited(tmp_path, {"node_address: 10.77.0.10": "node_address: 10.77.0.250"})
    )
    assert run.returncode != 0
    assert ("mirror1", "reachable") in {(item["host"], item["check"]) for item in findings}


def test_check_mode_judges_too(tmp_path: Path) -> None:
    changed = edited(tmp_path, cluster_membership_kube_proxy={"mode": "iptables"})
    run, findings = preflight(changed, "--check", "--diff")
    assert run.returncode != 0
    assert [item["check"] for item in findings] == ["network"]

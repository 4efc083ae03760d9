"""The platform's own roles through ansible-playbook against a real API server of their own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client

from tests.support.apiserver import api_server

ROOT = Path(__file__).resolve().parents[3]
NODES = ["cp1", "cp2", "cp3", "app1", "db1", "ml1"]


class Platform:
    """A site whose cluster is only an API server with six Node objects."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.output = ""
        # Manifests come from the bundle that this checkout built.
        self.variables = {
            "site_state_dir": str(state),
            "bundle_dir": str(ROOT / ".lab/bundle"),
            "bundle_public_key": (ROOT / ".lab/keys/bundle_signing.pub").read_text(),
        }

    def run(self, *arguments: str, expect: int = 0) -> dict[str, Any]:
        result = self.state / "result.json"
        result.unlink(missing_ok=True)
        done = subprocess.run(
            [
                "ansible-playbook",
                "--inventory=inventories/lab",
                "tests/integration/cluster/components.yml",
                f"--extra-vars={json.dumps(self.variables)}",
                *arguments,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == expect, self.output
        found: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}
        return found


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The site, nothing applied yet."""
    with api_server(tmp_path_factory.mktemp("platform")) as kubeconfig:
        client = open_client(str(kubeconfig))
        for name in NODES:
            item = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            client.apply(f"/api/v1/nodes/{name}", item)
        yield Platform(kubeconfig.parent)


def test_from_nothing_to_no_change(platform: Platform) -> None:
    """One story, since each step stands on the one before."""
    predicted = platform.run("--check", "--diff")
    assert predicted["changed"] is True
    assert "+kind: DaemonSet" in platform.output
    applied = platform.run()
    assert applied["plan"] == predicted["plan"]
    again = platform.run("--check", "--diff")
    assert again["plan"] == []
    assert set(again["requests"]) == {"get", "total"}
    # /livez, and one list for each kind: no declaration of ours needs a dry run to be judged.
    assert again["requests"]["total"] <= 22
    assert again["seconds"] < 1.5
    assert [item["name"] for item in again["components"]] == [
        "kubelet_csr_approver",
        "network",
        "cluster_dns",
        "load_balancer",
        "network_probe",
    ]


def test_a_variable_changes_only_its_component(platform: Platform) -> None:
    platform.run()
    changed = platform.run(
        "--check", "--diff", "--extra-vars", '{"dns_upstream_servers": ["192.0.2.53"]}'
    )
    assert [(row["role"], row["name"]) for row in changed["plan"]] == [
        ("cluster_dns", "kube-system/coredns")
    ]
    assert "forward . 192.0.2.53" in changed["diff"][0]["after"]


def test_tags_choose_components_and_prune_nothing_else(platform: Platform) -> None:
    platform.run()
    chosen = platform.run("--tags", "cluster_dns")
    assert [item["name"] for item in chosen["components"]] == ["cluster_dns"]
    assert chosen["changed"] is False


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("network_provider=cilium", "value of network_provider must be one of: calico, routed"),
        ("cluster_dns_sizing=huge", "value of cluster_dns_sizing must be one of: lab, mvp, scale"),
        ("cluster_dns_replicas=many", "argument 'cluster_dns_replicas' is of type"),
        ("kube_pod_subnet={{nothing}}", "'nothing' is undefined"),
    ],
)
def test_bad_variables_are_refused_with_their_name(
    platform: Platform, variable: str, message: str
) -> None:
    platform.run("--extra-vars", variable, expect=2)
    assert message in " ".join(platform.output.split())

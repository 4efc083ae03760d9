"""A site whose cluster is only an API server, with the platform's components."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    open_client,
)

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
            "site_secret": (ROOT / ".lab/keys/site-secret.txt").read_text(),
            "site_secret_sealed": (ROOT / ".lab/keys/site-secret.age").read_text(),
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
    directory = tmp_path_factory.mktemp("platform")
    with api_server(directory, ["--allow-privileged=true"]) as kubeconfig:  # as kubeadm's
        client = open_client(str(kubeconfig))
        for name in NODES:
            item = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            client.apply(f"/api/v1/nodes/{name}", item)
        yield Platform(kubeconfig.parent)

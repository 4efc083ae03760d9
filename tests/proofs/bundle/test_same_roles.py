"""The same roles install a bundle from upstream and one from source, and see no difference.

    .venv/bin/python -m pytest tests/proofs/bundle

Two bare hosts of a lab instance of its own take everything from the bundle that
tests/support/upstream_site.py builds; then the mirror gets the bundle from source.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import load_index

from lab.hosts.instance import Instance
from tests.support.instance_site import write_inventory
from tests.support.site import Run, lab, run_playbook
from tests.support.upstream_site import SOURCE, UpstreamSite, published

INSTANCE = Instance("bundle")
MIRROR, HOST = "mirror1", "app1"
TOPOLOGY = Path(__file__).with_name("topology.yml")

pytestmark = pytest.mark.lab


def instance_lab(*arguments: str) -> str:
    """Run the lab's command on the instance and return what it printed."""
    return lab("--instance", INSTANCE.name, *arguments)


@dataclass(frozen=True)
class Hosts:
    """Both hosts, and the bundle from upstream."""

    inventory: str
    upstream: UpstreamSite

    def converge(self, bundle: Path) -> Run:
        """Converge both hosts from `bundle`."""
        chosen = json.dumps({"bundle_dir": str(bundle)})
        playbook = "playbooks/converge_hosts.yml"
        run = run_playbook(playbook, "--extra-vars", chosen, inventory=self.inventory)
        assert run.returncode == 0, run.output[-8000:]
        return run


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Return hosts that installed the bundle from upstream."""
    groups = {
        "mirror": {MIRROR: {"number": 10}},
        "kube_control_plane": {},
        "kube_node": {HOST: {"number": 31}},
        "absent": {},
    }
    with published(tmp_path_factory.mktemp("upstream") / "checkout") as upstream:
        for done in (upstream.run("lock"), upstream.build()):
            assert done.returncode == 0, done.stdout + done.stderr
        instance_lab("down", "--purge")
        try:
            instance_lab("up", "--topology", str(TOPOLOGY))
            hosts = Hosts(write_inventory(INSTANCE, groups), upstream)
            assert set(hosts.converge(upstream.output).counter("changed")) == {MIRROR, HOST}
            yield hosts
        finally:
            instance_lab("down", "--purge")


def test_the_mirror_serves_the_bundle_from_upstream(hosts: Hosts) -> None:
    printed = instance_lab("exec", MIRROR, "--", "cat", "/srv/biomax-platform/bundle/index.json")
    assert load_index(printed.encode()) == hosts.upstream.index()
    assert load_index(printed.encode()).builder == "upstream"


def test_programs_of_the_host_are_those_of_the_index(hosts: Hosts) -> None:
    index = hosts.upstream.index()
    wanted = {
        "/usr/local/bin/kubelet": index.file("kubelet").sha256,
        "/usr/local/bin/containerd": index.file("containerd").member_sha256["containerd"],
    }
    printed = instance_lab("exec", HOST, "--", "sha256sum", *wanted)
    found = {line.split()[1]: line.split()[0] for line in printed.splitlines()}
    assert found == wanted
    assert "running" in instance_lab("exec", HOST, "--", "systemctl", "show", "containerd")


def test_an_image_comes_by_the_mirror_with_its_digest(hosts: Hosts) -> None:
    image = hosts.upstream.index().image("registry.k8s.io/pause")
    pull = ("ctr", "images", "pull", "--hosts-dir", "/etc/containerd/certs.d", image.label)
    instance_lab("exec", HOST, "--", *pull)
    listed = instance_lab("exec", HOST, "--", "ctr", "images", "list", f"name=={image.label}")
    assert image.digest in listed


def test_the_second_run_changes_nothing(hosts: Hosts) -> None:
    assert hosts.converge(hosts.upstream.output).changed_tasks() == []


def test_the_bundle_from_source_changes_the_list_and_the_signature_on_the_mirror_only(
    hosts: Hosts,
) -> None:
    assert hosts.converge(SOURCE).changed_tasks() == [f"Bring the bundle: {MIRROR}"]

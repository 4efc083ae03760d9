# SPDX-License-Identifier: GPL-3.0-or-later
"""Provider calico through ansible-playbook against a real API server; its programs never run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)

from tests.support.apiserver import api_server
from tests.support.bundles import make_signer, write_bundle
from tests.support.calico_files import bundle_files, is_stand_in

ROOT = Path(__file__).resolve().parents[3]
PLAY = ROOT / "tests/integration/network/converge.yml"
CALICO: dict[str, Any] = {"network_provider": "calico"}
FELIX = "/apis/crd.projectcalico.org/v1/felixconfigurations/default"
INSTALLATION = "/apis/operator.tigera.io/v1/installations/default"


class Cluster:
    """A cluster that is only an API server, and a bundle with Calico's manifests."""

    def __init__(self, state: Path) -> None:
        self.state, self.output = state, ""
        self.client: KubeClient = open_client(str(state / "kubeconfig"))
        signer = make_signer(state)
        write_bundle(state / "bundle", signer, bundle_files())
        self.given = {
            "site_state_dir": str(state),
            "network_test_bundle": str(state / "bundle"),
            "network_test_key": signer.public,
        }

    def run(
        self, *arguments: str, expect: int = 0, play: str = str(PLAY), **values: Any
    ) -> dict[str, Any]:
        result = self.state / "result.json"
        result.unlink(missing_ok=True)
        command = [
            "ansible-playbook",
            "--inventory=inventories/lab",
            play,
            f"--extra-vars={json.dumps({**self.given, **values})}",
            *arguments,
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        self.output = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == expect, self.output
        found: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}
        return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster, nothing applied yet."""
    with api_server(tmp_path_factory.mktemp("calico")) as kubeconfig:
        yield Cluster(kubeconfig.parent)


def test_from_nothing_to_no_change(cluster: Cluster) -> None:
    """One story, since each step stands on the one before."""
    predicted = cluster.run("--check", **CALICO)
    applied = cluster.run(**CALICO)
    names = [f"{row['kind']} {row['name']}" for row in applied["plan"]]
    assert names == [f"{row['kind']} {row['name']}" for row in predicted["plan"]]
    order = [
        names.index(name)
        for name in (
            "Namespace tigera-operator",
            "CustomResourceDefinition installations.operator.tigera.io",
            "ConfigMap tigera-operator/kubernetes-services-endpoint",
            "Deployment tigera-operator/tigera-operator",
            "Installation default",
        )
    ]
    assert order == sorted(order)
    again = cluster.run("--check", **CALICO)
    assert again["plan"] == []
    if is_stand_in():  # upstream's files have empty lists, each of which costs a dry run
        assert set(again["requests"]) == {"get", "total"}


def test_the_operator_leaves_the_definitions_to_us(cluster: Cluster) -> None:
    cluster.run(**CALICO)
    path = "/apis/apps/v1/namespaces/tigera-operator/deployments/tigera-operator"
    (container,) = cluster.client.get(path)["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["-manage-crds=false"]
    assert container["image"] == "quay.io/tigera/operator:v1.40.15"


def test_the_server_keeps_every_field(cluster: Cluster) -> None:
    cluster.run(**CALICO)
    spec = cluster.client.get(INSTALLATION)["spec"]
    network = spec["calicoNetwork"]
    assert (network["linuxDataplane"], network["bgp"], network["mtu"]) == (
        "Nftables",
        "Disabled",
        1450,
    )
    (pool,) = network["ipPools"]
    assert (pool["cidr"], pool["encapsulation"], pool["blockSize"]) == (
        "10.244.0.0/16",
        "VXLAN",
        26,
    )
    assert network["nodeAddressAutodetectionV4"] == {"kubernetes": "NodeInternalIP"}
    felix = cluster.client.get(FELIX)["spec"]
    assert {"protocol": "tcp", "port": 22} in felix["failsafeInboundHostPorts"]
    assert felix["defaultEndpointToHostAction"] == "Accept"


def test_bgp_and_wireguard_are_choices(cluster: Cluster) -> None:
    cluster.run(**CALICO)
    peers = [{"name": "rack-a", "address": "192.0.2.1", "as_number": 64601}]
    cluster.run(
        **CALICO,
        network_calico_encapsulation="None",
        network_calico_bgp_peers=peers,
        network_calico_wireguard_enabled=True,
        network_calico_host_mtu=9000,
    )
    network = cluster.client.get(INSTALLATION)["spec"]["calicoNetwork"]
    assert (network["bgp"], network["mtu"]) == ("Enabled", 8940)
    assert network["ipPools"][0]["encapsulation"] == "None"
    assert cluster.client.get(FELIX)["spec"]["wireguardEnabled"] is True
    peer = cluster.client.get("/apis/crd.projectcalico.org/v1/bgppeers/rack-a")
    assert peer["spec"] == {"peerIP": "192.0.2.1", "asNumber": 64601}
    back = cluster.run(**CALICO)
    assert {f"{row['action']} {row['kind']}" for row in back["plan"]} == {
        "update FelixConfiguration",
        "update Installation",
        "delete BGPConfiguration",
        "delete BGPPeer",
    }


def test_a_misspelt_field_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    """The planted mistake: what would be silently ignored without a strict schema."""
    cluster.run(**CALICO)
    template = Path(shutil.copytree(ROOT / "roles/network", tmp_path / "roles/network"))
    template /= "objects/calico.yml.j2"
    template.write_text(template.read_text().replace("linuxDataplane:", "linuxDataPlane:"))
    play = str(shutil.copy(PLAY, tmp_path))
    cluster.run(expect=2, play=play, **CALICO)
    assert "linuxDataPlane" in cluster.output
    assert "field not declared in schema" in cluster.output


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"network_calico_encapsulation": "IPIP"},
            "No encapsulation 'IPIP'; there are VXLAN, ",
        ),
        ({"network_calico_host_mtu": 1200}, "A host MTU of 1200 leaves pods 1150 bytes"),
        (
            {"network_provider": "cilium"},
            "value of network_provider must be one of",
        ),
    ],
)
def test_wrong_values_are_refused(cluster: Cluster, values: dict[str, Any], message: str) -> None:
    cluster.run(expect=2, **{**CALICO, **values})
    assert message in cluster.output


def test_nobody_waits_for_nothing(cluster: Cluster) -> None:
    """Without the operator nothing is ever made; the message says what lacks."""
    cluster.run(**CALICO)
    cluster.run(expect=2, **CALICO, network_test_ready_seconds=2)
    assert "Installation default: the operator has not reported yet" in cluster.output
    assert "DaemonSet calico-system/calico-node: the operator has not made it yet" in cluster.output


def test_a_formed_cluster_keeps_its_provider(cluster: Cluster) -> None:
    cluster.run(**CALICO)
    for mode in ("--check", "--diff"):
        cluster.run(mode, expect=2, network_provider="routed")
        assert "from provider calico (Installation default)" in cluster.output
        assert "Set network_provider to calico" in cluster.output
    assert cluster.client.get(INSTALLATION)["spec"]["variant"] == "Calico"

"""The host's small client and the credentials of joins, against a real API server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.membership import api, tokens
from ansible_collections.biomax.platform.plugins.module_utils.membership.https import (
    Server,
    Unanswered,
    Untrusted,
    from_kubeconfig,
    trusting,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.kubeconfig import (
    Kubeconfig,
    read_kubeconfig,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout

from tests.unit.membership.pki import authority


@pytest.fixture
def config(kubeconfig: Path) -> Kubeconfig:
    found = read_kubeconfig(kubeconfig)
    assert found is not None
    return found


@pytest.fixture
def cluster(config: Kubeconfig) -> api.ClusterApi:
    return api.ClusterApi(from_kubeconfig(config))


def port(config: Kubeconfig) -> int:
    return int(config.server.rsplit(":", 1)[1])


def make_node(cluster: api.ClusterApi, name: str) -> None:
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    cluster.call("POST", "/api/v1/nodes", body)


def test_readiness_is_asked_without_credentials(config: Kubeconfig) -> None:
    assert api.probe("127.0.0.1", port(config)) == "ready"
    assert api.probe("127.0.0.1", 1) == "silent"


def test_server_of_another_authority_is_told_from_a_silent_one(config: Kubeconfig) -> None:
    with pytest.raises(Untrusted):
        Server("127.0.0.1", port(config), trusting(authority("other").ca)).ask("/readyz")
    with pytest.raises(Unanswered) as caught:
        Server("127.0.0.1", 1, trusting(config.ca)).ask("/readyz")
    assert not isinstance(caught.value, Untrusted)


def test_node_is_read_listed_and_deleted(cluster: api.ClusterApi) -> None:
    assert cluster.node("membership-1") is None
    make_node(cluster, "membership-1")
    found = cluster.node("membership-1")
    assert found is not None
    assert (found.state, found.control_plane) == ("not_ready", False)
    assert "membership-1" in [node.name for node in cluster.nodes()]
    assert cluster.delete("/api/v1/nodes/membership-1")
    assert not cluster.delete("/api/v1/nodes/membership-1")


def test_kubeconfig_of_a_host_may_ask_another_address(
    config: Kubeconfig, kubeconfig: Path, tmp_path: Path
) -> None:
    layout = Layout(tmp_path)
    with pytest.raises(Unanswered, match=r"admin\.conf does not exist"):
        api.ClusterApi.of_host(layout, "admin.conf")
    layout.kubernetes.mkdir(parents=True)
    text = kubeconfig.read_text().replace("127.0.0.1:", "192.0.2.1:")
    (layout.kubernetes / "admin.conf").write_text(text)
    assert api.ClusterApi.of_host(layout, "admin.conf", "127.0.0.1", port(config)).ready()


def test_join_credentials_are_taken_back_and_others_stay(cluster: api.ClusterApi) -> None:
    tokens.create_token(cluster, tokens.new_token(), "join of app1")
    tokens.create_token(cluster, "adm1ns.0123456789abcdef", "made by an administrator")
    owner = "bootstrap-token-kubea1"
    tokens.create_token(
        cluster, "kubea1.0123456789abcdef", "Proxy for managing TTL for the kubeadm-certs secret"
    )
    uid = cluster.call("GET", f"{tokens.SECRETS_PATH}/{owner}").json()["metadata"]["uid"]
    reference = {
        "apiVersion": "v1",
        "kind": "Secret",
        "name": owner,
        "uid": uid,
        "controller": True,
    }
    cluster.call(
        "POST",
        tokens.SECRETS_PATH,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "kubeadm-certs", "ownerReferences": [reference]},
        },
    )
    tokens.shorten_certificates(cluster)
    assert len(tokens.join_secrets(cluster)) == 3
    assert set(tokens.revoke(cluster)) >= {"kubeadm-certs", owner}
    assert tokens.join_secrets(cluster) == []
    assert tokens.revoke(cluster) == []
    assert cluster.delete(f"{tokens.SECRETS_PATH}/bootstrap-token-adm1ns")

"""What kubeadm gets: the fields that the design fixes, and what varies with the site."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.membership import kubeadm
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import (
    Node,
    Settings,
)

ARGUMENTS: dict[str, Any] = {
    "cluster_name": "site",
    "version": "1.36.3",
    "etcd_image_tag": "3.6.16-0",
    "endpoint": "api.example.org",
    "endpoint_port": 8443,
    "endpoint_address": "192.0.2.5",
    "backend_port": 6443,
    "site_domain": "example.org",
    "control_planes": [
        {"name": "cp1", "address": "192.0.2.21", "pool": ""},
        {"name": "cp2", "address": "192.0.2.22", "pool": ""},
    ],
    "pod_subnet": "10.244.0.0/16",
    "service_subnet": "10.96.0.0/12",
    "dns_domain": "cluster.local",
    "dns_address": "10.96.0.10",
    "kubelet": None,
}
CP1 = Node("cp1", "192.0.2.21", "control_plane")
APP1 = Node("app1", "192.0.2.31", "worker", ({"key": "a", "value": "b", "effect": "NoSchedule"},))


def site(**changes: Any) -> Settings:
    return Settings.from_arguments(ARGUMENTS | changes)


def flags(document: dict[str, Any], component: str) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in document[component]["extraArgs"]}


def test_init_is_four_documents_that_parse_as_one_file() -> None:
    text = kubeadm.to_text(kubeadm.init_documents(site(), CP1, "abcdef.0123456789abcdef"))
    documents = [json.loads(part) for part in text.split("---\n")]
    assert [item["kind"] for item in documents] == [
        "InitConfiguration",
        "ClusterConfiguration",
        "KubeletConfiguration",
        "KubeProxyConfiguration",
    ]
    assert documents[0]["bootstrapTokens"][0]["ttl"] == "10m0s"
    assert "addon/coredns" in documents[0]["skipPhases"]
    assert "addon/kube-proxy" not in documents[0]["skipPhases"]


def test_cluster_is_reached_by_name_and_states_the_true_etcd_version() -> None:
    document = kubeadm.cluster_configuration(site())
    assert document["controlPlaneEndpoint"] == "api.example.org:8443"
    assert document["kubernetesVersion"] == "v1.36.3"
    assert document["etcd"]["local"]["imageTag"] == "3.6.16-0"


def test_certificates_name_endpoint_and_every_control_plane_once() -> None:
    twice = site(control_planes=ARGUMENTS["control_planes"] * 2)
    assert kubeadm.certificate_names(twice) == [
        "api.example.org",
        "192.0.2.5",
        "cp1",
        "cp1.example.org",
        "192.0.2.21",
        "cp2",
        "cp2.example.org",
        "192.0.2.22",
    ]


def test_api_server_encrypts_audits_and_closes_anonymous_access() -> None:
    document = kubeadm.cluster_configuration(site(api_server_args={"audit-log-maxage": "90"}))
    found = flags(document, "apiServer")
    assert found["encryption-provider-config"] == "/etc/kubernetes/platform/encryption.yaml"
    assert found["authentication-config"] == "/etc/kubernetes/platform/authentication.yaml"
    assert found["audit-policy-file"] == "/etc/kubernetes/platform/audit-policy.yaml"
    assert found["audit-log-maxage"] == "90"
    assert "anonymous-auth" not in found  # excludes authentication-config
    mounts = {item["mountPath"]: item["readOnly"] for item in document["apiServer"]["extraVolumes"]}
    assert mounts == {"/etc/kubernetes/platform": True, "/var/log/kubernetes/audit": False}


def test_components_listen_on_loopback_unless_told() -> None:
    assert flags(kubeadm.cluster_configuration(site()), "scheduler")["bind-address"] == "127.0.0.1"
    told = kubeadm.cluster_configuration(site(component_bind_address="0.0.0.0"))  # noqa: S104 - an input
    assert flags(told, "controllerManager")["bind-address"] == "0.0.0.0"  # noqa: S104 - an output


def test_kernel_settings_of_the_lab_come_only_when_asked_for() -> None:
    plain, legacy = site(), site(legacy_cgroup=True)
    kubelet = kubeadm.kubelet_configuration(plain)
    assert (kubelet["cgroupDriver"], "failCgroupV1" in kubelet) == ("systemd", False)
    assert "conntrack" not in kubeadm.kube_proxy_configuration(plain)
    kubelet = kubeadm.kubelet_configuration(legacy)
    assert (kubelet["cgroupDriver"], kubelet["failCgroupV1"]) == ("cgroupfs", False)
    assert kubeadm.kube_proxy_configuration(legacy)["conntrack"]["maxPerCore"] == 0


def test_fields_of_the_site_win() -> None:
    kubelet = kubeadm.kubelet_configuration(site(kubelet={"maxPods": 60, "seccompDefault": False}))
    assert (kubelet["maxPods"], kubelet["seccompDefault"]) == (60, False)
    assert kubelet["serverTLSBootstrap"] is True
    assert kubeadm.kube_proxy_configuration(site())["mode"] == "nftables"


def test_worker_registers_with_its_taints_and_no_control_plane() -> None:
    (document,) = kubeadm.join_documents(site(), APP1, kubeadm.JoinSecrets("/run/x.conf"))
    assert document["discovery"] == {"file": {"kubeConfigPath": "/run/x.conf"}}
    assert document["nodeRegistration"]["taints"] == list(APP1.taints)
    assert "controlPlane" not in document


def test_control_plane_keeps_the_default_taint_and_brings_the_key() -> None:
    (document,) = kubeadm.join_documents(site(), CP1, kubeadm.JoinSecrets("/run/x.conf", "k"))
    assert "taints" not in document["nodeRegistration"]
    assert document["controlPlane"] == {
        "localAPIEndpoint": {"advertiseAddress": "192.0.2.21", "bindPort": 6443},
        "certificateKey": "k",
    }


def test_incomplete_settings_are_named() -> None:
    with pytest.raises(InputError, match="endpoint_port"):
        Settings.from_arguments({key: ARGUMENTS[key] for key in ARGUMENTS if "port" not in key})


def test_unknown_and_mistyped_settings_are_named() -> None:
    with pytest.raises(InputError, match="Unknown settings of the cluster: colour"):
        site(colour="red")
    with pytest.raises(InputError, match=r"endpoint_port.*expected int, found '8443'"):
        site(endpoint_port="8443")
    with pytest.raises(InputError, match=r"kubelet.*found 'x'"):
        site(kubelet="x")

"""The platform's own roles through ansible-playbook against a real API server of their own."""

from __future__ import annotations

import pytest

from .conftest import Platform


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
    assert again["requests"]["total"] <= 33
    assert again["seconds"] < 1.5
    assert [item["name"] for item in again["components"]] == [
        "kubelet_csr_approver",
        "foundation",
        "pod_flows",
        "network",
        "cluster_dns",
        "metrics_server",
        "storage",
        "load_balancer",
        "network_probe",
        "object_store",
        "backup_gateway",
        "postgresql_operator",
        "postgresql",
    ]


def test_a_variable_changes_only_its_component(platform: Platform) -> None:
    platform.run()
    changed = platform.run(
        "--check", "--diff", "--extra-vars", '{"dns_upstream_servers": ["192.0.2.53"]}'
    )
    assert [(row["role"], row["name"]) for row in changed["plan"]] == [
        ("cluster_dns", "kube-system/coredns"),
        ("cluster_dns", "kube-system/cluster-dns"),
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

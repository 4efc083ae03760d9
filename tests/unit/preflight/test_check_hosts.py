# SPDX-License-Identifier: GPL-3.0-or-later
"""Each thing wrong with a host is found, named, and the only finding."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_hosts import (
    check_host,
    check_machine_ids,
    check_unreached,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_leftovers import (
    check_leftovers,
    site_authority,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_names import (
    check_names,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import (
    CONTAINERD,
    Volume,
)

from tests.unit.preflight.examples import ADDRESSES, all_facts, example_facts, example_site

OURS, THEIRS = "a" * 64, "f" * 64


def disk(path: str, **changes: Any) -> list[dict[str, Any]]:
    """Return the clean host's disks, with `path` on a file system of its own."""
    return [
        {**entry, "mount": path, "device": 2, **changes} if entry["path"] == path else entry
        for entry in example_facts()["disks"]
    ]


@pytest.mark.parametrize("host", sorted(ADDRESSES))
def test_a_clean_host_has_no_findings(host: str) -> None:
    assert check_host(example_site(), host, example_facts(host), Volume(500, 900)) == []


@pytest.mark.parametrize("host", sorted(ADDRESSES))
def test_a_running_member_has_no_findings(host: str) -> None:
    facts = example_facts(
        host,
        managed=True,
        mirror_filled=True,
        cluster_ca=OURS,
        addresses=[ADDRESSES[host], "192.0.2.5"],
        networks=[
            {"interface": "eth0", "network": "192.0.2.0/24"},
            {"interface": "cni0", "network": "10.244.1.0/24"},
        ],
        listeners=[
            {"protocol": "tcp", "port": port, "program": program}
            for port, program in (
                (443, "nginx"),
                (5000, "registry"),
                (2379, "etcd"),
                (6443, "kube-apiserver"),
                (8443, "haproxy"),
                (10250, "kubelet"),
                (10257, "kube-controller"),
                (10259, "kube-scheduler"),
            )
        ],
    )
    assert check_host(example_site(), host, facts, Volume(500, 900)) == []


@pytest.mark.parametrize(
    ("host", "changes", "check", "found"),
    [
        ("w1", {"os": {"id": "", "version": ""}}, "system", "unknown"),
        (
            "w1",
            {"managed": True, "networks": [{"interface": "eth0", "network": "10.244.0.0/24"}]},
            "networks",
            "10.244.0.0/24 on eth0 overlaps kube_pod_subnet",
        ),
        (
            "cp1",
            {"listeners": [{"protocol": "tcp", "port": 2379, "program": "etcd"}]},
            "ports",
            "tcp port 2379 taken by etcd",
        ),
        (
            "m1",
            {
                "managed": True,
                "listeners": [{"protocol": "tcp", "port": 443, "program": "apache2"}],
            },
            "ports",
            "tcp port 443 taken by apache2",
        ),
        (
            "w1",
            {"listeners": [{"protocol": "tcp", "port": 10250, "program": ""}]},
            "ports",
            "taken by a process that is not visible",
        ),
        (
            "w1",
            {"disks": disk(CONTAINERD, free_mib=12), "cluster_ca": OURS, "managed": True},
            "disk",
            f"{CONTAINERD}: 12 MiB free",
        ),
    ],
)
def test_variants_of_a_fault_are_found_too(
    host: str, changes: dict[str, Any], check: str, found: str
) -> None:
    facts = example_facts(host, **changes)
    (finding,) = check_host(example_site(), host, facts, Volume(500, 900))
    assert (finding.host, finding.check) == (host, check)
    assert found in finding.found
    assert finding.wanted
    assert finding.action


def test_the_needed_space_counts_every_directory_of_a_disk() -> None:
    facts = example_facts("cp1")
    for entry in facts["disks"]:
        entry["free_mib"] = 100
    (finding,) = check_host(example_site(), "cp1", facts, Volume(images_mib=1000))
    assert finding.wanted.startswith(f"{3072 + 10240 + 2 * 1000 + 5120 + 10240} MiB free (for /, ")


def test_our_own_hosts_file_may_hold_an_address_that_changed() -> None:
    names = {"hosts": {"cp1": ["192.0.2.99"]}, "order": ["files"], "servers": []}
    bare, ours = example_facts("w1", names=names), example_facts("w1", names=names, managed=True)
    assert [item.id for item in check_names(example_site(), "w1", bare)] == [
        "resolution/hosts-file"
    ]
    assert list(check_names(example_site(), "w1", ours)) == []


def test_a_port_of_another_kind_of_host_does_not_matter() -> None:
    facts = example_facts("w1", listeners=[{"protocol": "tcp", "port": 6443, "program": "java"}])
    assert check_host(example_site(), "w1", facts, Volume()) == []


def test_legacy_cgroups_pass_where_they_are_enabled() -> None:
    site = example_site(kube_legacy_cgroup_enabled=True)
    assert check_host(site, "w1", example_facts("w1", cgroup=1), Volume()) == []


def test_an_unknown_sizing_is_left_to_the_check_of_variables() -> None:
    facts = example_facts("w1", memory_mib=1)
    assert check_host(example_site(site_sizing="huge"), "w1", facts, Volume()) == []


def test_an_unreached_host_is_named_with_the_first_line() -> None:
    finding = check_unreached("w1", "No route to host\nmore")
    assert (finding.host, finding.found) == ("w1", "cannot be looked at: No route to host")


def test_clones_are_told_by_their_machine_id() -> None:
    facts = all_facts(cp1={"machine_id": "c" * 32}, w1={"machine_id": "c" * 32})
    found = {item.host: item.found for item in check_machine_ids(example_site(), facts)}
    assert found == {
        "cp1": f"machine id {'c' * 32}, which is also that of w1",
        "w1": f"machine id {'c' * 32}, which is also that of cp1",
    }


def test_one_machine_under_two_names_is_left_to_the_check_of_addresses() -> None:
    facts = all_facts(cp1={"machine_id": "c" * 32}, w1={"machine_id": "c" * 32})
    assert list(check_machine_ids(example_site({"w1": ADDRESSES["cp1"]}), facts)) == []


def test_hosts_without_an_id_are_no_clones() -> None:
    facts = all_facts(cp1={"machine_id": ""}, w1={"machine_id": ""})
    assert list(check_machine_ids(example_site(), facts)) == []


MEMBER = {"managed": True, "cluster_ca": OURS, "kubernetes_files": ["kubelet.conf"]}
CONTROL_PLANE = {**MEMBER, "etcd_data": True}
FORMED = {"cp1": CONTROL_PLANE, "cp2": CONTROL_PLANE, "cp3": CONTROL_PLANE, "w1": MEMBER}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        FORMED,
        {"cp1": CONTROL_PLANE},
        {"cp1": MEMBER},
        {**FORMED, "cp2": {}},
        {**FORMED, "cp2": {"managed": True}},
    ],
    ids=["bare", "formed", "init-cut", "init-cut-before-etcd", "replaced", "joining"],
)
@pytest.mark.parametrize("controller_ca", ["", OURS, THEIRS])
def test_our_own_traces_are_no_leftovers(
    changes: dict[str, dict[str, Any]], controller_ca: str
) -> None:
    assert list(check_leftovers(example_site(), all_facts(**changes), controller_ca)) == []


@pytest.mark.parametrize(
    ("changes", "host", "found"),
    [
        ({"w1": {"cluster_ca": THEIRS}}, "w1", "another cluster's /etc/kubernetes: authority"),
        ({**FORMED, "w1": {**MEMBER, "cluster_ca": THEIRS}}, "w1", "sha256:ffffffffffff…"),
        ({**FORMED, "cp2": {**CONTROL_PLANE, "cluster_ca": THEIRS}}, "cp2", "another cluster's"),
        ({"w1": {**MEMBER}}, "w1", "another cluster's /etc/kubernetes"),
        (
            {"w1": {"kubernetes_files": ["admin.conf"]}},
            "w1",
            "another cluster's files in /etc/kubernetes: admin.conf",
        ),
        ({"cp1": {"etcd_data": True}}, "cp1", "data of an etcd member in /var/lib/etcd"),
        ({**FORMED, "w1": {"etcd_data": True}}, "w1", "data of an etcd member"),
        ({**FORMED, "w1": {**MEMBER, "etcd_data": True}}, "w1", "data of an etcd member"),
    ],
)
def test_leftovers_are_found(changes: dict[str, dict[str, Any]], host: str, found: str) -> None:
    (finding,) = check_leftovers(example_site(), all_facts(**changes), "")
    assert finding.host == host
    assert found in finding.found


def test_with_a_limit_the_controller_knows_the_authority() -> None:
    facts = {"w1": example_facts("w1", **MEMBER)}
    site = example_site()
    assert list(check_leftovers(site, facts, OURS)) == []
    assert [item.host for item in check_leftovers(site, facts, THEIRS)] == ["w1"]
    assert list(check_leftovers(site, facts, "")) == []


def test_a_tie_of_authorities_is_decided_by_the_controller() -> None:
    facts = all_facts(cp1={**MEMBER}, cp2={**MEMBER, "cluster_ca": THEIRS})
    assert site_authority(example_site(), facts, THEIRS) == THEIRS
    assert site_authority(example_site(), facts, "") == OURS

# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about what the inventory declares: each with its fault, and with a neighbour of it."""

from __future__ import annotations

from tests.unit.preflight.examples import ADDRESSES, VARIABLES
from tests.unit.preflight.scenes import Case, Scene

SITE = "(site)"
POOL = VARIABLES["node_pools"]["application"]

CASES = [
    Case(
        "addresses/outside",
        Scene(addresses={"w1": "198.51.100.7"}, facts={"w1": {"addresses": ["198.51.100.7"]}}),
        "w1",
        "node_address 198.51.100.7",
        Scene(
            addresses={"w1": "198.51.100.7"},
            facts={"w1": {"addresses": ["198.51.100.7"]}},
            site={"host_networks": ["192.0.2.0/24", "198.51.100.0/24"]},
        ),
    ),
    Case(
        "addresses/shared",
        Scene(addresses={"w1": "192.0.2.21"}, facts={"w1": {"addresses": ["192.0.2.21"]}}),
        "cp1 w1",
        "address 192.0.2.21, which is also that of",
        Scene(addresses={"w1": "192.0.2.210"}, facts={"w1": {"addresses": ["192.0.2.210"]}}),
    ),
    Case(
        "control-plane/even",
        Scene(groups={"kube_control_plane": ["cp1", "cp2"]}),
        SITE,
        "2 hosts in kube_control_plane: cp1, cp2",
        Scene(groups={"kube_control_plane": ["cp1"]}),
    ),
    Case(
        "control-plane/absent",
        Scene(groups={"absent": ["cp3"]}),
        SITE,
        "1 of 3 control-plane hosts absent: cp3",
        Scene(groups={"absent": ["w1"]}),
    ),
    Case(
        "control-plane/quorum-lost",
        Scene(groups={"absent": ["cp2", "cp3"]}),
        SITE,
        "2 of 3 control-plane hosts absent: cp2, cp3",
        Scene(groups={"absent": ["cp3"]}),
        near_also=("control-plane/absent",),
    ),
    Case(
        "endpoint/host-address",
        Scene(site={"kube_api_address": "192.0.2.22"}),
        "cp2",
        "node_address 192.0.2.22 is kube_api_address too",
        Scene(site={"kube_api_address": "192.0.2.222"}),
    ),
    Case(
        "endpoint/one-port",
        Scene(site={"kube_api_port": 6443}),
        SITE,
        "are both 6443",
        Scene(site={"kube_api_port": 6444}),
    ),
    Case(
        "endpoint/outside",
        Scene(site={"kube_api_address": "198.51.100.5"}),
        SITE,
        "kube_api_address 198.51.100.5",
        Scene(site={"kube_api_address": "192.0.2.254"}),
    ),
    Case(
        "groups/empty",
        Scene(groups={"mirror": []}),
        SITE,
        "no host in group mirror",
        Scene(addresses={"m2": "192.0.2.41"}, groups={"mirror": ["m1", "m2"]}),
    ),
    Case(
        "groups/only-absent",
        Scene(groups={"absent": ["old9"]}),
        "old9",
        "in group absent, but in no other",
        Scene(groups={"absent": ["w1"]}),
    ),
    Case(
        "groups/two-roles",
        Scene(groups={"kube_node": ["w1", "cp3"], "pool_application": ["w1", "cp3"]}),
        "cp3",
        "in kube_control_plane and in kube_node",
        Scene(groups={"kube_node": ["w1"], "pool_application": ["w1"]}),
    ),
    Case(
        "lab-only/setting",
        Scene(site={"kube_ignored_preflight_errors": ["Swap"]}),
        SITE,
        "kube_ignored_preflight_errors: ['Swap'] with site_sizing 'mvp'",
        Scene(site={"kube_ignored_preflight_errors": ["Swap"], "site_sizing": "lab"}),
    ),
    Case(
        "names/endpoint",
        Scene(site={"kube_api_endpoint": "cp2.site.example.com"}),
        "cp2",
        "kube_api_endpoint is cp2.site.example.com",
        Scene(site={"kube_api_endpoint": "cp.site.example.com"}),
    ),
    Case(
        "names/refused",
        Scene(addresses={"W_1": "192.0.2.41"}, groups={"mirror": ["m1", "W_1"]}),
        "W_1",
        "the name 'W_1'",
        Scene(addresses={"w-1": "192.0.2.41"}, groups={"mirror": ["m1", "w-1"]}),
    ),
    Case(
        "names/shared",
        Scene(addresses={"CP1": "192.0.2.41"}, groups={"mirror": ["m1", "CP1"]}),
        "CP1 cp1",
        "name cp1, which is also that of",
        Scene(addresses={"cp11": "192.0.2.41"}, groups={"mirror": ["m1", "cp11"]}),
        also=("names/refused",),
    ),
    Case(
        "network/blocks",
        Scene(site={"network_provider": "calico", "kube_pod_subnet": "10.244.0.0/24"}),
        SITE,
        "4 blocks of /26 in kube_pod_subnet 10.244.0.0/24",
        Scene(site={"network_provider": "calico", "kube_pod_subnet": "10.244.0.0/22"}),
    ),
    Case(
        "network/mtu",
        Scene(site={"network_provider": "calico", "network_calico_host_mtu": 1300}),
        SITE,
        "leaves pods 1250 bytes",
        Scene(site={"network_provider": "calico", "network_calico_host_mtu": 1400}),
    ),
    Case(
        "network/peers",
        Scene(site={"network_provider": "calico", "network_calico_bgp_peers": [{"name": "a"}]}),
        SITE,
        "network_calico_bgp_peers with encapsulation VXLAN",
        Scene(site={"network_provider": "calico", "network_calico_bgp_peers": []}),
    ),
    Case(
        "network/proxy-mode",
        Scene(site={"cluster_membership_kube_proxy": {"mode": "iptables"}}),
        SITE,
        "kube-proxy in mode 'iptables' with network_provider routed",
        Scene(site={"cluster_membership_kube_proxy": {"mode": "nftables"}}),
    ),
    Case(
        "network/routes",
        Scene(
            site={
                "network_provider": "calico",
                "network_calico_encapsulation": "None",
                "host_networks": ["192.0.2.0/25", "192.0.2.128/25"],
            }
        ),
        SITE,
        "encapsulation None, nodes in 192.0.2.0/25, 192.0.2.128/25",
        Scene(site={"network_provider": "calico", "network_calico_encapsulation": "None"}),
    ),
    Case(
        "networks/dns-address",
        Scene(site={"kube_dns_address": "10.95.255.255"}),
        SITE,
        "kube_dns_address 10.95.255.255",
        Scene(site={"kube_dns_address": "10.96.0.1"}),
    ),
    Case(
        "networks/overlap",
        Scene(site={"kube_pod_subnet": "10.96.0.0/16"}),
        SITE,
        "kube_pod_subnet 10.96.0.0/16 overlaps kube_service_subnet 10.96.0.0/12",
        Scene(site={"kube_pod_subnet": "10.112.0.0/16"}),
    ),
    Case(
        "networks/pool",
        Scene(site={"load_balancer_pools": [{"name": "a", "addresses": ["192.0.2.4/30"]}]}),
        SITE,
        "pool a (192.0.2.4/30) holds kube_api_address 192.0.2.5",
        Scene(site={"load_balancer_pools": [{"name": "a", "addresses": ["192.0.2.64/30"]}]}),
    ),
    Case(
        "pools/membership",
        Scene(site={"node_pools": {}}),
        "w1",
        "in no pool",
        Scene(site={"node_pools": {"application": POOL}}),
    ),
    Case(
        "pools/size",
        Scene(site={"node_pools": {"application": {**POOL, "min": 2}}}),
        SITE,
        "1 hosts in pool application",
        Scene(site={"node_pools": {"application": {**POOL, "min": 1, "max": 1}}}),
    ),
    Case(
        "variables/missing",
        Scene(unset=["kube_version"]),
        SITE,
        "kube_version is not set",
        Scene(unset=["kube_ignored_preflight_errors"]),
    ),
    Case(
        "variables/unknown",
        Scene(definitions=["kube_versio"]),
        SITE,
        "unknown variable kube_versio (group all)",
        Scene(definitions=["local_kube_versio"]),
    ),
    Case(
        "variables/unreadable",
        Scene(unset=["escrow_recipient"], unreadable={("", "escrow_recipient"): "no such file"}),
        SITE,
        "escrow_recipient cannot be read: no such file",
        Scene(unreadable={("", "local_file"): "no such file"}),
    ),
    Case(
        "variables/wrong",
        Scene(host_variables={"w1": {"failure_domain": "Rack 1"}}),
        "w1",
        "failure_domain is 'Rack 1'",
        Scene(host_variables={"w1": {"failure_domain": "rack-1"}}),
    ),
]

assert ADDRESSES["cp2"] == "192.0.2.22"  # the cases above are written for these addresses

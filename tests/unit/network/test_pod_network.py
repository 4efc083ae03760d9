"""Sizes of the pod network: MTU, Typha, blocks."""

from __future__ import annotations

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.pod_network import (
    OVERHEAD,
    WIREGUARD_OVERHEAD,
    address_blocks,
    pod_mtu,
    typha_replicas,
    typha_resources,
)
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("host", "encapsulation", "wireguard", "expected"),
    [
        (1500, "VXLAN", False, 1450),
        (1500, "VXLANCrossSubnet", False, 1450),
        (1500, "None", False, 1500),
        (1500, "VXLAN", True, 1440),
        (1500, "None", True, 1440),
        (9000, "VXLAN", False, 8950),
        (9000, "VXLAN", True, 8940),
    ],
)
def test_mtu(host: int, encapsulation: str, wireguard: bool, expected: int) -> None:
    assert pod_mtu(host, encapsulation, wireguard) == expected


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(1400, 9216), st.sampled_from(sorted(OVERHEAD)), st.booleans())
def test_a_pods_packet_always_fits_on_the_wire(
    host: int, encapsulation: str, wireguard: bool
) -> None:
    mtu = pod_mtu(host, encapsulation, wireguard)
    assert mtu + OVERHEAD[encapsulation] <= host
    assert not wireguard or mtu + WIREGUARD_OVERHEAD <= host


@pytest.mark.parametrize(
    ("host", "encapsulation", "message"),
    [(1500, "IPIP", "No encapsulation 'IPIP'"), (150, "VXLAN", "leaves pods 100 bytes")],
)
def test_a_wrong_mtu_is_refused(host: int, encapsulation: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        pod_mtu(host, encapsulation)


# The table in the comment of the operator's GetExpectedTyphaScale, and values around its steps.
@pytest.mark.parametrize(
    ("nodes", "replicas"),
    [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (18, 3), (199, 3), (200, 3), (400, 4), (2000, 12)],
)
def test_typha_replicas(nodes: int, replicas: int) -> None:
    assert typha_replicas(nodes) == replicas


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(2, 5000))
def test_one_typha_less_still_serves_every_node(nodes: int) -> None:
    assert typha_replicas(nodes) < nodes
    millicores = int(typha_resources(nodes)["requests"]["cpu"].removesuffix("m"))
    assert (millicores - 50) * max(1, typha_replicas(nodes) - 1) >= nodes


def test_typha_resources() -> None:
    assert typha_resources(6) == {
        "requests": {"cpu": "53m", "memory": "67Mi"},
        "limits": {"memory": "134Mi"},
    }
    with pytest.raises(InputError, match="at least one node"):
        typha_resources(0)


@pytest.mark.parametrize(
    ("subnet", "size", "blocks"),
    [("10.244.0.0/16", 26, 1024), ("10.244.0.0/16", 24, 256), ("10.0.0.0/24", 32, 256)],
)
def test_blocks(subnet: str, size: int, blocks: int) -> None:
    assert address_blocks(subnet, size) == blocks


@pytest.mark.parametrize(
    ("subnet", "size", "message"),
    [
        ("10.244.0.0/16", 15, "does not fit"),
        ("10.244.0.0/16", 33, "does not fit"),
        ("10.0.0.0/24", 23, "does not fit"),
        ("fd00::/64", 26, "IPv4"),
        ("10.244.0.0", 26, "Expected a network"),
    ],
)
def test_wrong_blocks_are_refused(subnet: str, size: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        address_blocks(subnet, size)

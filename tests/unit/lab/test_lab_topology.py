# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Topology files and the addresses that come from them."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.hosts.errors import LabError
from lab.hosts.instance import Instance
from lab.hosts.topology import FIRST_NUMBER, LAST_NUMBER, Host, HostSpec, Topology, load_topology

TOPOLOGIES = Path(__file__).resolve().parents[3] / "lab" / "topologies"
DEFAULT_ADDRESSES = {
    "mirror1": "10.77.0.10",
    "cp1": "10.77.0.21",
    "cp2": "10.77.0.22",
    "cp3": "10.77.0.23",
    "app1": "10.77.0.31",
    "db1": "10.77.0.41",
    "ml1": "10.77.0.51",
}


def addresses(name: str) -> dict[str, str]:
    network = Instance().network
    hosts = load_topology(name, TOPOLOGIES).expand()
    return {host.name: str(host.address(network)) for host in hosts}


def test_default_has_the_inventory_addresses() -> None:
    assert addresses("default") == DEFAULT_ADDRESSES


def test_data_is_default_and_two_database_hosts() -> None:
    assert addresses("data") == DEFAULT_ADDRESSES | {"db2": "10.77.0.42", "db3": "10.77.0.43"}


def test_light_has_twenty_hosts_beside_the_mirror() -> None:
    found = addresses("light")
    assert len(found) == 21
    assert found["light1"] == "10.77.0.101"
    assert found["light20"] == "10.77.0.120"


@pytest.mark.parametrize("path", sorted(TOPOLOGIES.glob("*.yml")), ids=lambda path: path.stem)
def test_every_file_is_named_as_its_topology(path: Path) -> None:
    assert load_topology(path.stem, TOPOLOGIES).name == path.stem


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ("[{name: a, number: 11}, {name: a, number: 12}]", "host a is there twice"),
        ("[{name: a, number: 11}, {name: b, number: 11}]", "hosts a and b have one number, 11"),
        ("[{name: a, number: 1}]", "greater than or equal to 10"),
        ("[{name: n, number: 250, count: 9}]", "number 255 > 254"),
        ("[{name: much-too-long, number: 11}]", "lower-case letters and digits, at most 7"),
        ("[{name: a, numbr: 11}]", "numbr"),
        ("[]", "at least 1 item"),
    ],
)
def test_bad_hosts_are_refused(tmp_path: Path, hosts: str, message: str) -> None:
    file = tmp_path / "bad.yml"
    file.write_text(f"name: bad\ndomain: example.test\nhosts: {hosts}\n")
    with pytest.raises(LabError, match=r"bad\.yml") as caught:
        load_topology(str(file), TOPOLOGIES)
    assert message in str(caught.value)


def test_unknown_topology_names_the_known_ones() -> None:
    with pytest.raises(LabError, match="Known here: data, default, light, pair, virtual"):
        load_topology("larger", TOPOLOGIES)


@given(st.integers(1, 30), st.integers(FIRST_NUMBER, LAST_NUMBER - 30))
def test_counted_hosts_have_distinct_addresses(count: int, number: int) -> None:
    topology = Topology(
        name="t", domain="d", hosts=[HostSpec(name="n", number=number, count=count)]
    )
    network = IPv4Network("192.0.2.0/24")
    found = {host.address(network) for host in topology.expand()}
    assert len(found) == count
    assert all(address in network for address in found)


def test_a_host_keeps_its_number_in_every_network() -> None:
    assert str(Host(name="a", number=21).address(IPv4Network("192.0.2.0/24"))) == "192.0.2.21"

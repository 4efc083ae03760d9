# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv4 and IPv6 networks as an inventory writes them: parse, compare, contain."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from itertools import combinations

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_network(text: object) -> Network:
    """Parse a CIDR such as ``10.0.0.0/16`` or ``fd00::/48``.

    Args:
        text: The CIDR; the prefix length is required, since a lone address is nearly always a slip.

    Returns:
        The network.

    Raises:
        InputError: It is not text, has no prefix length, is malformed or has host bits set.
    """
    if not isinstance(text, str) or "/" not in text:
        raise InputError(f"Expected a network such as 10.0.0.0/16, found {text!r}.")
    try:
        return ipaddress.ip_network(text.strip(), strict=True)
    except ValueError as error:
        raise InputError(f"Expected a network such as 10.0.0.0/16: {error}.") from error


def parse_address(text: object) -> Address:
    """Parse an IPv4 or IPv6 address.

    Args:
        text: The address, without a prefix length.

    Returns:
        The address.

    Raises:
        InputError: It is not text or malformed.
    """
    if not isinstance(text, str):
        raise InputError(f"Expected an address such as 10.0.0.5, found {text!r}.")
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError as error:
        raise InputError(f"Expected an address such as 10.0.0.5: {error}.") from error


def parse_range(text: object) -> tuple[Address, Address]:
    """Parse a range of addresses: ``10.0.0.10-10.0.0.20`` or a network.

    Args:
        text: Both ends with a hyphen between them, or a CIDR.

    Returns:
        The first and the last address.

    Raises:
        InputError: It is malformed, its ends are of two families or in the wrong order.
    """
    if not isinstance(text, str) or "-" not in text:
        network = parse_network(text)
        return network[0], network[-1]
    first, last = (parse_address(part) for part in text.split("-", 1))
    if first.version != last.version or int(first) > int(last):
        raise InputError(f"Expected a range such as 10.0.0.10-10.0.0.20, found {text!r}.")
    return first, last


def ranges_overlap(one: tuple[Address, Address], other: tuple[Address, Address]) -> bool:
    """Tell whether two ranges share an address; ranges of different families never do."""
    if one[0].version != other[0].version:
        return False
    return int(one[0]) <= int(other[1]) and int(other[0]) <= int(one[1])


def networks_overlap(one: Network, other: Network) -> bool:
    """Tell whether two networks share an address; networks of different families never do."""
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.overlaps(other)
    if isinstance(one, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return one.overlaps(other)
    return False


def overlapping_pairs(networks: Sequence[object]) -> list[list[str]]:
    """List the pairs of networks that share an address.

    Args:
        networks: CIDRs; a CIDR that stands twice overlaps itself.

    Returns:
        Pairs ``[earlier, later]`` as they were written, in order.

    Raises:
        InputError: The argument is not a list, or an element is not a network.
    """
    if isinstance(networks, (str, bytes)) or not isinstance(networks, Sequence):
        raise InputError(f"Expected a list of networks, found {networks!r}.")
    parsed = [(str(text), parse_network(text)) for text in networks]
    return [
        [one, other]
        for (one, left), (other, right) in combinations(parsed, 2)
        if networks_overlap(left, right)
    ]


def address_in(address: object, networks: Sequence[object]) -> bool:
    """Tell whether an address lies in one of the networks.

    Args:
        address: The address.
        networks: CIDRs of either family.

    Returns:
        True when at least one network contains it.

    Raises:
        InputError: The address or a network is malformed.
    """
    parsed = parse_address(address)
    return any(parsed in parse_network(network) for network in networks)

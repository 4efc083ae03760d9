# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network: a bridge, and nftables tables that let nothing out of it and count what tries.

Only the lab's own tables are ever touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from lab.hosts import names
from lab.hosts.instance import Instance
from lab.hosts.process import run

# How many different addresses outside are remembered.
MAX_OUTSIDE = 1024


def wall_ruleset(instance: Instance, hosts: Sequence[str]) -> str:
    """Return the nftables input that keeps the hosts' packets in.

    Hosts reach each other and answer the controller. What they send to other networks, and new
    connections to the controller itself (it may run a proxy), is dropped and counted. Late packets
    of connections that the controller has ended are no new ones. Packets to
    other networks are counted where they enter the bridge's own address, since a machine that
    does not forward drops them before any forward rule sees them. DNS queries are counted and
    their names noted, whichever server they are for; one that is for the controller is refused at
    once, as by a provider's resolver that knows no name.

    Args:
        instance: whose tables they are.
        hosts: names of all hosts.
    """
    links = ", ".join(f'"{instance.link(host)}"' for host in hosts)
    name, bridge = instance.nft_table, instance.bridge
    inside = f"{instance.network}, 224.0.0.0/4, 255.255.255.255"
    sets, rules = "\n  ".join(names.name_sets()), "\n    ".join(names.name_rules())
    return f"""\
table inet {name}
delete table inet {name}
table inet {name} {{
  counter to_controller {{ }}
  chain forward {{
    type filter hook forward priority filter - 10; policy accept;
    iifname "{bridge}" oifname != "{bridge}" drop
    oifname "{bridge}" iifname != "{bridge}" drop
  }}
  chain input {{
    type filter hook input priority filter - 10; policy accept;
    iifname "{bridge}" ct state established,related accept
    iifname "{bridge}" meta l4proto {{ icmp, ipv6-icmp }} accept
    iifname "{bridge}" ip daddr {{ {instance.network.broadcast_address}, 224.0.0.0/4 }} drop
    iifname "{bridge}" meta l4proto {{ tcp, udp }} th dport 53 reject
    iifname "{bridge}" meta l4proto tcp tcp flags & (syn | ack) != syn drop
    iifname "{bridge}" counter name to_controller drop
  }}
}}
table bridge {name}
delete table bridge {name}
table bridge {name} {{
  counter to_outside {{ }}
  counter name_queries {{ }}
  set outside {{ type ipv4_addr; size {MAX_OUTSIDE}; flags dynamic; }}
  {sets}
  chain input {{
    type filter hook input priority filter; policy accept;
    iifname {{ {links} }} meta l4proto {{ tcp, udp }} th dport 53 jump asked
    iifname {{ {links} }} ip daddr != {{ {inside} }} jump outward
    iifname {{ {links} }} ip6 daddr != {{ fe80::/10, ff00::/8 }} counter name to_outside drop
  }}
  chain asked {{
    counter name name_queries
    {rules}
  }}
  chain outward {{
    counter name to_outside
    add @outside {{ ip daddr }}
    drop
  }}
}}
"""


def partition_ruleset(instance: Instance, groups: Sequence[Sequence[str]]) -> str:
    """Return the nftables input that cuts groups of hosts off from all the others.

    Hosts of one group still see each other. The controller's frames go to the bridge itself and
    not through its forward hook, so every host stays reachable from the controller.

    Args:
        instance: whose table it is.
        groups: names of the hosts of each group; none means that everything is whole.
    """
    table = f"bridge {instance.nft_table}_cut"
    rules = []
    for group in groups:
        links = ", ".join(f'"{instance.link(host)}"' for host in group)
        rules.append(f"    iifname {{ {links} }} oifname != {{ {links} }} drop")
        rules.append(f"    oifname {{ {links} }} iifname != {{ {links} }} drop")
    fresh = f"table {table}\ndelete table {table}\n"
    if not rules:
        return fresh
    body = "\n".join(rules)
    return (
        f"{fresh}table {table} {{\n  chain forward {{\n"
        f"    type filter hook forward priority filter; policy accept;\n{body}\n  }}\n}}\n"
    )


def nft(ruleset: str) -> None:
    """Load a ruleset in one transaction."""
    run(["nft", "--file", "-"], stdin=ruleset)


def create(instance: Instance, hosts: Sequence[str]) -> None:
    """Make the bridge with the controller's address, and the wall around it.

    Args:
        instance: whose bridge it is.
        hosts: names of all hosts.
    """
    if not exists(instance.bridge):
        run(["ip", "link", "add", "name", instance.bridge, "type", "bridge"])
    # Hosts are cut off while the bridge listens for loops; there are none.
    run(["ip", "link", "set", instance.bridge, "type", "bridge", "forward_delay", "0"])
    prefix = f"{instance.gateway}/{instance.network.prefixlen}"
    run(["ip", "address", "replace", prefix, "dev", instance.bridge])
    nft(wall_ruleset(instance, hosts))
    run(["ip", "link", "set", instance.bridge, "up"])


def partition(instance: Instance, groups: Sequence[Sequence[str]]) -> None:
    """Cut groups of hosts off, replacing every earlier cut."""
    nft(partition_ruleset(instance, groups))


def exists(link: str) -> bool:
    """Tell whether the machine has a network link of that name."""
    return Path("/sys/class/net", link).exists()


def remove_link(link: str) -> None:
    """Remove a link if it is there.

    A host's link goes with its namespace, but the kernel takes its time for that, and a host
    that is started again at once would find the name taken.

    Args:
        link: name of the link.
    """
    if exists(link):
        run(["ip", "link", "delete", link], check=False)


def links() -> dict[str, str]:
    """Return the machine's network links: name -> bridge that it is a port of, or ""."""
    found = json.loads(run(["ip", "-json", "link", "show"]))
    return {entry["ifname"]: entry.get("master", "") for entry in found}


def tables() -> list[tuple[str, str]]:
    """Return the machine's nftables tables as (family, name)."""
    found = json.loads(run(["nft", "--json", "list", "tables"]))["nftables"]
    return [
        (entry["table"]["family"], entry["table"]["name"]) for entry in found if "table" in entry
    ]


class Refused(NamedTuple):
    """What the wall stopped: packets by counter, addresses outside and names that were tried."""

    packets: dict[str, int]
    outside: list[str]
    names: list[str]


def parse_refused(listings: Iterable[str]) -> Refused:
    """Read what the wall stopped.

    Args:
        listings: the instance's tables as nft lists them in JSON.

    Returns:
        Counters, addresses and names of all of them.
    """
    packets: dict[str, int] = {}
    outside: list[str] = []
    asked: set[str] = set()
    for listing in listings:
        entries = json.loads(listing)["nftables"]
        asked |= names.names_of(entries)
        for entry in entries:
            if "counter" in entry:
                packets[entry["counter"]["name"]] = int(entry["counter"]["packets"])
            if entry.get("set", {}).get("name") == "outside":
                outside += entry["set"].get("elem", [])
    return Refused(packets, sorted(outside), sorted(asked))


def refused(instance: Instance) -> Refused:
    """Return what the wall of an instance stopped since `up` or the last `forget_refused`."""
    name = instance.nft_table
    tables = (["inet", name], ["bridge", name])
    return parse_refused(run(["nft", "--json", "list", "table", *table]) for table in tables)


def forget_refused(instance: Instance, hosts: Sequence[str]) -> None:
    """Start counting anew: the wall is put up afresh, in one transaction."""
    nft(wall_ruleset(instance, hosts))

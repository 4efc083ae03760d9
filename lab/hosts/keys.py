# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH keys of the lab: one client key, one host key per host, and the file of known hosts."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from lab.hosts.instance import Paths
from lab.hosts.process import run
from lab.hosts.topology import Host

HOST_KEY = "ssh_host_ed25519_key"


def ensure_key(path: Path, comment: str) -> str:
    """Make an Ed25519 key unless it is there.

    Args:
        path: the private half; the public one gets the ending `.pub`.
        comment: stands at the end of the public half.

    Returns:
        The public half, one line without its end.
    """
    public = path.with_name(path.name + ".pub")
    if not (path.is_file() and public.is_file()):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    return public.read_text(encoding="utf-8").strip()


def known_hosts_line(host: Host, domain: str, network: IPv4Network, public_key: str) -> str:
    """Return the line of a host in a known hosts file: by name, full name and address.

    Args:
        host: the host.
        domain: domain of the topology.
        network: network of the instance.
        public_key: `type base64 comment`, as ssh-keygen writes it.
    """
    kind, body = public_key.split()[:2]
    names = f"{host.name},{host.name}.{domain},{host.address(network)}"
    return f"{names} {kind} {body}\n"


def ensure_keys(paths: Paths, hosts: list[Host], domain: str) -> None:
    """Make all keys that are missing and write the known hosts file.

    Keys outlive `down`, so a shell that has seen a host before still knows it.

    Args:
        paths: of the checkout and instance.
        hosts: all hosts of the topology.
        domain: domain of the topology.
    """
    ensure_key(paths.client_key, "lab")
    lines = []
    for host in hosts:
        public = ensure_key(paths.ssh / "hosts" / host.name / HOST_KEY, host.name)
        lines.append(known_hosts_line(host, domain, paths.instance.network, public))
    paths.known_hosts.write_text("".join(lines), encoding="utf-8")

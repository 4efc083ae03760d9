# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab puts into a host: its name, address and keys, and one unit of its own."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from lab.hosts.keys import HOST_KEY
from lab.hosts.topology import Host

UNIT = """\
[Unit]
Description=What the machine around this lab host does not do for it
DefaultDependencies=no
After=local-fs.target network-pre.target systemd-udev-trigger.service
Before=systemd-sysctl.service sysinit.target network.target network-online.target shutdown.target
Conflicts=shutdown.target
Wants=network.target network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=-/etc/lab-host.env
ExecStart=/usr/local/lib/lab-host/start

[Install]
WantedBy=sysinit.target
"""
# systemd-nspawn mounts these read-only; on a host of its own they are writable, and the kubelet
# needs them so. The network is set here and not by a daemon: nothing then takes away routes and
# addresses that others add.
SCRIPT = """\
#!/bin/sh
set -eu
if [ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ]; then
  mount -o remount,rw /sys/fs/cgroup
fi
while read -r _ target type _; do
  case $type in
    cgroup | cgroup2) mount -o remount,bind,rw "$target" ;;
  esac
done </proc/self/mounts
mount -o remount,bind,rw /proc/sys
ip -batch - <<EOF
link set lo up
address replace $ADDRESS dev host0
link set host0 up
route replace default via $GATEWAY
EOF
"""
HOSTS = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
# They would use the package lock at random moments, and there is nothing to download.
DISABLED_TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")
# They need a kernel or a disk of the host's own; here they would only slow each boot down.
MASKED_UNITS = (
    "console-getty.service",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "modprobe@.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-pstore.service",
)
# systemd-tmpfiles makes btrfs subvolumes of these when they are missing; a snapshot of the host
# would then be without their content.
PLAIN_DIRECTORIES = ("var/lib/machines", "var/lib/portables", "home", "srv", "tmp", "var/tmp")


def recipe_hash() -> str:
    """Return a hash of everything that `customize` writes."""
    recipe = (UNIT, SCRIPT, HOSTS, DISABLED_TIMERS, MASKED_UNITS, PLAIN_DIRECTORIES)
    return hashlib.sha256(repr(recipe).encode()).hexdigest()[:8]


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file of a host that is off, with its directories; a link there is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def customize(root: Path, script: str = SCRIPT, masked: Sequence[str] = MASKED_UNITS) -> None:
    """Make a fresh root file system a lab host's, before it is copied for each host.

    Args:
        root: the root directory of the file system.
        script: what the lab's unit runs at each boot; the default is for containers.
        masked: units that are not to start.
    """
    write(root / "etc/resolv.conf", "")
    write(root / "etc/hosts", HOSTS)
    write(root / "etc/systemd/system/lab-host.service", UNIT)
    write(root / "usr/local/lib/lab-host/start", script, 0o755)
    wants = root / "etc/systemd/system/sysinit.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / "lab-host.service").symlink_to("/etc/systemd/system/lab-host.service")
    for timer in DISABLED_TIMERS:
        (root / "etc/systemd/system/timers.target.wants" / timer).unlink(missing_ok=True)
    for unit in masked:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for directory in PLAIN_DIRECTORIES:
        (root / directory).mkdir(parents=True, exist_ok=True)


def personalize(root: Path, host: Host, network: IPv4Network, gateway: IPv4Address) -> None:
    """Give a copy of the file system the identity of a host; only for a new host.

    Args:
        root: the root directory of the host.
        host: the host.
        network: network of the instance.
        gateway: the controller's address in it.
    """
    write(root / "etc/hostname", f"{host.name}\n")
    write(root / "etc/machine-id", f"{uuid.uuid4().hex}\n", 0o444)
    address = f"{host.address(network)}/{network.prefixlen}"
    write(root / "etc/lab-host.env", f"ADDRESS={address}\nGATEWAY={gateway}\n")


def install_keys(root: Path, client_public: str, host_key: Path) -> None:
    """Put the SSH keys in place; done at each start, since a snapshot may hold older ones.

    Args:
        root: the root directory of the host.
        client_public: the public key that may log in as root.
        host_key: the host's private key in the runtime directory.
    """
    ssh = root / "root/.ssh"
    ssh.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(ssh / "authorized_keys", client_public + "\n", 0o600)
    for name, mode in ((HOST_KEY, 0o600), (f"{HOST_KEY}.pub", 0o644)):
        target = root / "etc/ssh" / name
        shutil.copyfile(host_key.with_name(name), target)
        target.chmod(mode)

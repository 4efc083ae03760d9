# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages: what dpkg says is installed, and apt-get as a careful person runs it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host, tail

SOURCE = "/etc/apt/sources.list.d/biomax-platform.sources"
MIRROR_CA = "/etc/biomax-platform/mirror-ca.pem"
STATUS = "/var/lib/dpkg/status"
UPDATES = "/var/lib/dpkg/updates"
POLICY = "/usr/sbin/policy-rc.d"
POLICY_MARK = "# biomax.platform: packages start nothing while it installs them"
_LOCK_SECONDS = 300
_LOCK_POLL_SECONDS = 2
_APT_SECONDS = 1800
_UNFINISHED = (
    "unpacked",
    "half-configured",
    "half-installed",
    "triggers-awaited",
    "triggers-pending",
)


@dataclass(frozen=True)
class Dpkg:
    """The package database: names that are installed, and those whose installation was cut."""

    installed: frozenset[str]
    unfinished: tuple[str, ...]
    policy_left: bool = False


def read_dpkg(host: Host) -> Dpkg:
    """Return the package database; dpkg(1) describes the status words.

    Raises:
        PlatformError: the host has no dpkg database.
    """
    status = host.read(STATUS)
    if status is None:
        raise PlatformError(f"Reading {STATUS}: it is not there. This needs Debian or Ubuntu.")
    installed, unfinished, name = set(), [], ""
    for line in status.split(b"\n"):
        if line.startswith(b"Package: "):
            name = line[9:].decode(errors="replace")
        elif line.startswith(b"Status: "):
            word = line.rsplit(b" ", 1)[-1].decode(errors="replace")
            if word == "installed":
                installed.add(name)
            elif word in _UNFINISHED:
                unfinished.append(name)
    updates = host.at(UPDATES)
    if updates.is_dir() and any(entry.name.isdigit() for entry in updates.iterdir()):
        unfinished.append("an interrupted dpkg")
    return Dpkg(frozenset(installed), tuple(unfinished), policy_left=_is_ours(host))


def _is_ours(host: Host) -> bool:
    return POLICY_MARK.encode() in (host.read(POLICY) or b"")


@contextlib.contextmanager
def starting_nothing(host: Host) -> Iterator[None]:
    """Keep maintainer scripts from starting services for the time of the block.

    invoke-rc.d(8) and deb-systemd-invoke(1p) ask `policy-rc.d`. Ours forbids only while this
    process lives, so one that a killed run leaves behind forbids nothing; the next run removes
    it. A policy of the operator's own stays and decides.
    """
    if host.at(POLICY).exists() and not _is_ours(host):
        yield
        return
    script = f"#!/bin/sh\n{POLICY_MARK}\n[ -e /proc/{os.getpid()} ] && exit 101\nexit 0\n"
    atomic.write_file(host.at(POLICY), script.encode(), atomic.Attributes(mode=0o755))
    try:
        yield
    finally:
        remove_policy(host)


def remove_policy(host: Host) -> None:
    """Remove our policy-rc.d, if it is there."""
    if _is_ours(host):
        host.at(POLICY).unlink(missing_ok=True)


def finish_interrupted(host: Host) -> None:
    """Complete what an interrupted dpkg left."""
    with starting_nothing(host):
        _configure(host)
        _run(host, [*_apt(host), "--fix-broken", "install"])


def _configure(host: Host) -> None:
    """Run `dpkg --configure -a`, which unlike apt-get does not wait for the lock by itself."""
    deadline = host.monotonic() + _LOCK_SECONDS
    while True:
        try:
            _run(host, ["dpkg", "--configure", "-a", "--force-confold"])
        except PlatformError as error:
            if "lock" not in str(error) or host.monotonic() >= deadline:
                raise
            host.sleep(_LOCK_POLL_SECONDS)
        else:
            return


def install(host: Host, names: Sequence[str], update: bool) -> None:
    """Install packages from the platform's own source; lists are fetched first if `update`.

    Raises:
        PlatformError: the source is missing, or apt failed; the message has its last words.
    """
    if not host.at(SOURCE).exists():
        raise PlatformError(
            f"Installing {', '.join(names)}: {SOURCE} is not there, so there is nothing to install "
            "from. The role base_os writes it: put it first in `roles`."
        )
    with starting_nothing(host):
        if update:
            _run(host, [*_apt(host), "update"])
        _run(host, [*_apt(host), "--no-install-recommends", "--no-remove", "install", *names])


def remove(host: Host, names: Sequence[str]) -> None:
    """Remove packages; their configuration files stay."""
    with starting_nothing(host):
        _run(host, [*_apt(host), "remove", *names])


def removed_with(host: Host, names: Sequence[str]) -> list[str]:
    """Return every package that apt would remove together with `names` (simulated)."""
    output = _run(host, [*_apt(host), "--simulate", "remove", *names])
    rows = [line.split() for line in output.splitlines() if line.startswith("Remv ")]
    return sorted(row[1] for row in rows)


def _apt(host: Host) -> list[str]:
    # Only our own source counts, whatever else the operator keeps in sources.list.d.
    options = [
        f"Dir::Etc::SourceList={SOURCE}",
        "Dir::Etc::SourceParts=/dev/null",
        "APT::Get::List-Cleanup=false",
        f"DPkg::Lock::Timeout={_LOCK_SECONDS}",
        "Dpkg::Options::=--force-confold",
        "Dpkg::Options::=--force-confdef",
        "APT::Update::Error-Mode=any",
    ]
    if host.at(MIRROR_CA).exists():
        options.append(f"Acquire::https::CAInfo={MIRROR_CA}")
    return ["apt-get", "-q", "-y", *(part for option in options for part in ("-o", option))]


def _run(host: Host, argv: Sequence[str]) -> str:
    extra = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    done = host.run(argv, _APT_SECONDS, extra)
    if done.code != 0:
        shown = " ".join(part for part in argv if part != "-o" and "::" not in part)
        errors = [line for line in done.err.splitlines() if line.startswith(("E:", "W:", "dpkg"))]
        said = tail("\n".join(errors), 6) if errors else tail(done.err or done.out, 6)
        raise PlatformError(f"`{shown}` ended with {done.code}: {said}")
    return done.out

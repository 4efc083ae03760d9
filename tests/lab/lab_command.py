# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the lab's command on an instance of the tests' own, so a lab in use is not disturbed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.hosts.instance import Instance

CHECKOUT = Path(__file__).resolve().parents[2]
INSTANCE = Instance("labtest")
# Tries a TCP connection: exit 0 if it opens within two seconds.
CONNECT = (
    "import socket, sys; "
    "socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2).close()"
)
# No command of the lab takes that long on two busy cores, but building the root file system.
SECONDS = 240


@dataclass(frozen=True)
class LabCommand:
    """The command `lab/lab` of one checkout."""

    checkout: Path = CHECKOUT

    @property
    def runtime(self) -> Path:
        """Runtime directory of the tests' instance."""
        return self.checkout / ".lab" / "instances" / INSTANCE.name

    def argv(self, *words: str) -> list[str]:
        """Return the command line."""
        return [str(self.checkout / "lab" / "lab"), "--instance", INSTANCE.name, *words]

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start the command without waiting."""
        return subprocess.Popen(
            self.argv(*words),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def fails(self, *words: str) -> str:
        """Run the command, which must fail; return what it printed."""
        process = self.start(*words)
        output = process.communicate(timeout=SECONDS)[0]
        assert process.returncode == 1, f"{words}: {output}"
        return output

    def __call__(self, *words: str) -> str:
        """Run the command, which must succeed; return what it printed."""
        process = self.start(*words)
        output = process.communicate(timeout=SECONDS)[0]
        assert process.returncode == 0, f"{words}: {output}"
        return output

    def status(self) -> dict[str, Any]:
        """Return the status as data."""
        return dict(json.loads(self("status", "--json")))

    def host(self, name: str) -> dict[str, Any]:
        """Return the status of one host."""
        return next(dict(row) for row in self.status()["hosts"] if row["host"] == name)

    def reaches(self, source: str, address: str, port: int = 22) -> bool:
        """Tell whether a host opens a TCP connection; asked without the host's network."""
        process = self.start("exec", source, "python3", "-c", CONNECT, address, str(port))
        process.communicate(timeout=SECONDS)
        return process.returncode == 0

    def soon_reaches(self, source: str, address: str, seconds: float = 10) -> bool:
        """Tell whether a host comes to reach another: one that was cut off has to be asked for its
        hardware address again, and the kernel repeats that question once a second."""
        until = time.monotonic() + seconds
        while not (reached := self.reaches(source, address)) and time.monotonic() < until:
            time.sleep(0.5)
        return reached


def copy_checkout(target: Path) -> LabCommand:
    """Make a second checkout that can run the lab."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "lab", target / "lab", ignore=skip)
    (target / ".venv").symlink_to(CHECKOUT / ".venv")
    return LabCommand(target)


def _processes() -> list[str]:
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            groups = (directory / "cgroup").read_text()
            command = (directory / "cmdline").read_text().replace("\0", " ")
            ended = (directory / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            continue  # it ended
        if ended:
            continue  # only its exit code is left, for the machine's init to read
        if f"/{INSTANCE.cgroup}" in groups or f"/{INSTANCE.name}/disk/" in command:
            found.append(f"{directory.name} {command}")
    return found


def _output(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def traces() -> dict[str, list[str]]:
    """Return everything on the machine that belongs to the tests' instance, by kind."""
    prefix = str(INSTANCE.network.network_address).removesuffix("0")
    marks = {
        "mounts": (
            Path("/proc/self/mounts").read_text(),
            (str(INSTANCE.run_dir), f"/lab/build-{INSTANCE.name}"),
        ),
        "links": (_output("ip", "-oneline", "link"), (f" {INSTANCE.bridge}:", INSTANCE.link(""))),
        "addresses": (_output("ip", "-oneline", "address"), (f" {prefix}",)),
        "routes": (_output("ip", "route", "show", "table", "all"), (prefix,)),
        "tables": (_output("nft", "list", "tables"), INSTANCE.nft_tables),
        "loops": (_output("losetup", "--list"), (f"/instances/{INSTANCE.name}/",)),
    }
    found = {
        kind: [line for line in text.splitlines() if any(word in line for word in words)]
        for kind, (text, words) in marks.items()
    }
    found["processes"] = _processes()
    groups = Path("/sys/fs/cgroup")
    found["cgroups"] = [
        str(path)
        for pattern in (INSTANCE.cgroup, f"*/{INSTANCE.cgroup}")
        for path in groups.glob(pattern)
    ]
    machine = INSTANCE.machine("")
    spawn = Path("/run/systemd/nspawn/propagate")
    found["directories"] = [str(path) for path in spawn.glob(f"{machine}*")]
    found["directories"] += [str(path) for path in [INSTANCE.run_dir] if path.exists()]
    return found


def nothing() -> dict[str, list[str]]:
    """Return what `traces` returns on a machine without the tests' lab."""
    return {kind: [] for kind in traces()}

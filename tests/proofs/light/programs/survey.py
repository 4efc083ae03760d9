"""Runs on a host: prints everything of it that a run of the product may change, as JSON.

The argument is JSON: `except` (paths that are left out with all below them), `inputs` (files that
a unit's process reads at its start, by unit), `parameters` (names of kernel parameters), `read`
(small files whose text is wanted), `times` (whether also when each path was changed and each unit
started), `timeless` (paths of which not).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# A file's times come from a clock that lags by up to 4 ms, so this only covers the conversion
# between two clocks below.
TOLERANCE_SECONDS = 0.005
LEDGER = "/var/lib/biomax-platform/ledger"


def output(*argv: str) -> str:
    """Return what a program prints; not every code other than 0 is a failure here."""
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def files(left_out: set[str], timeless: set[str] | None) -> dict[str, list[Any]]:
    """Return type and mode, owner, group and content (or target) of each path.

    Also the times at which its content and its inode were changed, unless `timeless` is None.
    """
    found: dict[str, list[Any]] = {}
    for folder, names, leaves in os.walk("/"):
        names[:] = [name for name in names if os.path.join(folder, name) not in left_out]  # noqa: PTH118
        for name in [*names, *leaves]:
            path = os.path.join(folder, name)  # noqa: PTH118 - twenty thousand times
            if path not in left_out:
                found[path] = describe(path, timeless is not None and path not in timeless)
    return found


def describe(path: str, times: bool) -> list[Any]:
    """Return one row of `files`."""
    try:
        seen = os.lstat(path)
        row = [f"{seen.st_mode:o}", seen.st_uid, seen.st_gid]
        row += [seen.st_mtime_ns, seen.st_ctime_ns] if times else []
        if stat.S_ISREG(seen.st_mode):
            with open(path, "rb") as file:  # noqa: PTH123
                return [*row, hashlib.file_digest(file, "sha256").hexdigest()]
        return [*row, os.readlink(path)] if stat.S_ISLNK(seen.st_mode) else row  # noqa: PTH115
    except FileNotFoundError:
        return ["gone while it was looked at"]


def units() -> dict[str, list[str]]:
    """Return whether each unit runs, and whether it starts at boot."""
    found: dict[str, list[str]] = {}
    listed = ("--all", "--plain", "--no-legend", "--full")
    for line in output("systemctl", "list-units", *listed).splitlines():
        name, _load, active, sub = line.split()[:4]
        found[name] = [active, sub, ""]
    for line in output("systemctl", "list-unit-files", "--no-legend", "--full").splitlines():
        name, state = line.split()[:2]
        found.setdefault(name, ["inactive", "dead", ""])[2] = state
    return found


def invocations() -> dict[str, str]:
    """Return the id that systemd gave to the last start of each unit."""
    text = output("systemctl", "show", "--all", "--property=Id,InvocationID", "*")
    blocks = (dict(row.split("=", 1) for row in part.splitlines()) for part in text.split("\n\n"))
    return {block["Id"]: block.get("InvocationID", "") for block in blocks if "Id" in block}


def packages() -> dict[str, str]:
    """Return version and state of each package."""
    text = output("dpkg-query", "-W", "-f", "${Package}\t${Version} ${db:Status-Abbrev}\n")
    return dict(line.split("\t") for line in text.splitlines())


def older(inputs: dict[str, list[str]]) -> list[str]:
    """Return a line for each process that started before one of its inputs changed."""
    lines = []
    shift = time.time() - time.monotonic()
    for unit, paths in inputs.items():
        names = "ActiveState,NeedDaemonReload,ExecMainStartTimestampMonotonic"
        shown = output("systemctl", "show", "-p", names, unit)
        rows = dict(line.split("=", 1) for line in shown.splitlines())
        if rows.get("NeedDaemonReload") == "yes":
            lines.append(f"{unit}: systemd has not read its new unit file")
        if rows.get("ActiveState") != "active":
            continue
        started = int(rows["ExecMainStartTimestampMonotonic"]) / 1e6 + shift
        for path in paths:
            if not os.path.exists(path):  # noqa: PTH110
                continue
            late = os.stat(path).st_ctime - started  # noqa: PTH116
            if late > TOLERANCE_SECONDS:
                lines.append(f"{unit}: its process is {late:.3f} s older than {path}")
    return lines


def ledger() -> dict[str, str]:
    """Return the restarts that are owed."""
    place = Path(LEDGER)
    return {path.name: path.read_text() for path in sorted(place.glob("*"))}


def texts(paths: list[str]) -> dict[str, str]:
    """Return the content of small files that exist."""
    return {path: Path(path).read_text() for path in paths if Path(path).is_file()}


def main() -> None:
    """Print the survey."""
    wanted = json.loads(sys.argv[1])
    timeless = set(wanted["timeless"]) if wanted["times"] else None
    found = {
        "files": files(set(wanted["except"]), timeless),
        "units": units(),
        "starts": invocations() if wanted["times"] else {},
        "packages": packages(),
        "parameters": texts([f"/proc/sys/{name}" for name in wanted["parameters"]]),
        "ledger": ledger(),
        "older": older(wanted["inputs"]),
        "read": texts(wanted["read"]),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

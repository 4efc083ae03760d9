"""Runs on a host: prints each step that the engine makes, and may kill its process at one.

The argument is JSON: `paths` and `units` to look at, `at` (the step, counted from 1; 0 for none),
`delay` in seconds after it, and `tree`: whether the engine's children die with it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

STATE = Path("/var/lib/biomax-platform")
POLL_SECONDS = 0.004


def stamp(path: str) -> list[int] | None:
    """Return what changes whenever the file at `path` is written or replaced."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return [found.st_ino, found.st_ctime_ns, found.st_size]


def look(paths: list[str], units: list[str]) -> dict[str, Any]:
    """Return everything that is watched, by the name of the step that changes it."""
    seen: dict[str, Any] = {"lock": stamp(f"{STATE}/lock")}
    try:
        intents = os.listdir(STATE / "ledger")  # noqa: PTH208 - called 250 times a second
    except OSError:
        intents = []
    seen.update({f"intent {name[:-5]}": True for name in intents if name.endswith(".json")})
    seen.update({f"file {path}": stamp(path) for path in paths})
    # systemd makes this link anew at each start of a unit.
    seen.update({f"start {unit}": stamp(f"/run/systemd/units/invocation:{unit}") for unit in units})
    return seen


def engine() -> int:
    """Return the process that holds the engine's lock; it writes its number right after."""
    for _ in range(50):
        try:
            return int(json.loads((STATE / "lock").read_text())["pid"])
        except (OSError, ValueError, KeyError):
            time.sleep(0.002)
    return 0


def descendants(root: int) -> list[int]:
    """Return a process and all that it has started."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
        children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def kill(tree: bool) -> bool:
    """Kill the engine; return whether it was alive."""
    process = engine()
    alive = process > 0 and Path(f"/proc/{process}").exists()
    for victim in (descendants(process) if tree else [process]) if alive else []:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return alive


def main() -> None:
    """Watch until the other side ends the connection."""
    wanted = json.loads(sys.argv[1])
    before, count = look(wanted["paths"], wanted["units"]), 0
    print(json.dumps("watching"), flush=True)
    while os.getppid() != 1:
        now = look(wanted["paths"], wanted["units"])
        for name in {**before, **now}:
            if before.get(name) == now.get(name):
                continue
            count += 1
            print(json.dumps([name, bool(now.get(name))]), flush=True)
            if count == wanted["at"]:
                time.sleep(wanted["delay"])
                print(json.dumps({"killed": kill(wanted["tree"])}), flush=True)
        before = now
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()

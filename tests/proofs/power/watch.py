"""Watches the engine's work on the virtual host, to cut the power at a chosen step of it."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.proofs.power.site import ssh_argv

UNITS = ("chrony.service", "systemd-journald.service", "containerd.service")
NOTE = "/root/power-watch"
# Runs on the host: prints a line for each change it sees. A unit's processes change before the
# engine takes its intent out of the ledger, so a restart that was paid is always seen.
PROGRAM = r"""
import json, os, sys, time
paths, units = json.loads(sys.argv[1])
STATE = "/var/lib/biomax-platform"
def stamp(path):
    try:
        found = os.lstat(path)
        return [found.st_ino, found.st_ctime_ns]
    except OSError:
        return None
def processes(unit):
    try:
        with open(f"/sys/fs/cgroup/system.slice/{unit}/cgroup.procs") as file:
            return file.read().split()[:1]
    except OSError:
        return []
def intents():
    try:
        return [name for name in os.listdir(STATE + "/ledger") if name.endswith(".json")]
    except OSError:
        return []
def look():
    seen = {("path", path): stamp(path) for path in paths}
    seen.update({("process", unit): processes(unit) for unit in units})
    seen.update({("intent", name[:-5]): True for name in intents()})
    seen[("lock", "")] = stamp(STATE + "/lock")
    return seen
before = look()
note = open("/root/power-watch", "w")  # never synced: what of it is on the disk later, was luck
print(json.dumps(["watching", "", True]))
while True:
    now = look()
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            line = json.dumps([*key, bool(now.get(key))])
            print(line, file=note, flush=True)
            print(line, flush=True)
    before = now
    time.sleep(0.01)
"""


@dataclass(frozen=True)
class Event:
    """A change on the host: what, of which object, and whether the object is there now.

    `what` is path, process (of a unit), intent (for a unit) or lock (taken by the engine).
    """

    what: str
    name: str
    there: bool


class Watch:
    """A running watch; `events` grows until the host dies."""

    def __init__(self, paths: list[str]) -> None:
        """Start watching `paths`, the units and the engine's state directory."""
        self.events: list[Event] = []
        self._changed = threading.Condition()
        argument = json.dumps([paths, list(UNITS)]).replace(" ", "")
        self._process = subprocess.Popen(
            ssh_argv(f"'{argument}'"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(PROGRAM)
        self._process.stdin.close()
        threading.Thread(target=self._read, daemon=True).start()
        assert self.wait(lambda event: event.what == "watching", 300)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.events.append(Event(*json.loads(line)))
                self._changed.notify_all()

    def wait(
        self,
        wanted: Callable[[Event], bool],
        seconds: float,
        ended: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Wait for an event; False when it did not come in `seconds` or before `ended`."""
        until, read = time.monotonic() + seconds, 0
        with self._changed:
            while True:
                if any(wanted(event) for event in self.events[read:]):
                    return True
                read = len(self.events)
                if ended() or time.monotonic() > until:
                    return False
                self._changed.wait(0.2)

    def close(self) -> None:
        """End the watch."""
        self._process.kill()
        self._process.wait()

"""Sees each step of the engine on a host, so that a run can be cut at one."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.proofs.light.scenario import PLACE
from tests.proofs.light.site import ssh_argv
from tests.proofs.light.survey import INPUTS

PROGRAM = Path(__file__).parent / "programs" / "watch.py"
_PROGRAMS = "/usr/local/bin"
PATHS = (
    *dict.fromkeys(path for paths in INPUTS.values() for path in paths),
    "/etc/hosts",
    "/etc/apt/sources.list.d/biomax-platform.sources",
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/info/chrony.list",
    "/var/lib/dpkg/info/runc.list",
    "/var/lib/dpkg/info/ethtool.list",
    f"{_PROGRAMS}/.containerd.biomax-new",
    "/etc/systemd/system.conf.d/biomax-platform.conf",
    "/etc/sysctl.d/90-biomax-platform-network.conf",
    "/etc/containerd/certs.d/_default/hosts.toml",
    "/etc/passwd",
    "/opt/kill-proof/new/etcdutl",
    f"{PLACE}/loaded.conf",
    f"{PLACE}/link",
    *(f"{PLACE}/many-{number}.conf" for number in range(8)),
)
START_SECONDS = 60


class Watch:
    """A running watch; `steps` grows until it is closed or the host dies."""

    def __init__(self, host: str, at: int = 0, delay: float = 0.0, *, tree: bool = False) -> None:
        """Start watching `host`.

        Args:
            host: to log in to.
            at: step at which the engine's process is killed there; 0 for none.
            delay: seconds between that step and the kill.
            tree: whether its children are killed, too.
        """
        self.steps: list[str] = []
        self.killed: bool | None = None
        self._changed = threading.Condition()
        self._watching = False
        wanted = {"paths": PATHS, "units": [*INPUTS], "at": at, "delay": delay, "tree": tree}
        self._process = subprocess.Popen(
            ssh_argv(host, "python3", "-u", "-", json.dumps(wanted)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(PROGRAM.read_text(encoding="utf-8"))
        self._process.stdin.close()
        threading.Thread(target=self._read, daemon=True).start()
        assert self.wait(lambda: self._watching, START_SECONDS), f"{host}: the watch did not begin"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            with self._changed:
                if isinstance(event, str):
                    self._watching = True
                elif isinstance(event, dict):
                    self.killed = bool(event["killed"])
                else:
                    self.steps.append(f"{event[0]}{'' if event[1] else ' gone'}")
                self._changed.notify_all()

    def wait(
        self,
        wanted: Callable[[], bool],
        seconds: float,
        ended: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Wait until `wanted` is true; False when it was not in `seconds` or before `ended`."""
        until = time.monotonic() + seconds
        with self._changed:
            while not wanted():
                if ended() or time.monotonic() > until:
                    return wanted()
                self._changed.wait(0.05)
        return True

    def close(self) -> list[str]:
        """End the watch and return the steps."""
        self._process.kill()
        self._process.wait()
        return self.steps

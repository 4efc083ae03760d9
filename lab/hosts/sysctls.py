# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the machine's kernel that the hosts share.

Containers have no kernel of their own. What the kubelet wants to find (`protectKernelDefaults`)
and limits that one machine would never reach but twenty hosts on it do, are set once and put back
when the last lab ends.
"""

from __future__ import annotations

import json
from pathlib import Path

from lab.hosts.errors import LabError
from lab.hosts.instance import RUN_ROOT

# Exact values: those that the kubelet checks (pkg/kubelet/cm/container_manager_linux.go), and the
# machine's own packet filter kept out of what the lab's bridge carries between hosts.
EXACT = {
    "net.bridge.bridge-nf-call-iptables": 0,
    "vm.overcommit_memory": 1,
    "vm.panic_on_oom": 0,
    "kernel.panic": 10,
    "kernel.panic_on_oops": 1,
}
# Least values. Debian's systemd asks for pid_max at each boot of a host anyway.
LEAST = {
    "fs.inotify.max_user_instances": 8192,
    "fs.inotify.max_user_watches": 1048576,
    "kernel.keys.root_maxkeys": 1000000,
    "kernel.keys.root_maxbytes": 25000000,
    "kernel.pid_max": 4194304,
    "vm.max_map_count": 262144,
}
SAVED = RUN_ROOT / "sysctls.json"


def plan_sysctls(current: dict[str, int]) -> dict[str, int]:
    """Return the values that have to be written.

    Args:
        current: the machine's values for the keys of `EXACT` and `LEAST`; one that the kernel
            does not have is missing.

    Returns:
        Key -> new value, only for those that differ.
    """
    exact = {key: value for key, value in EXACT.items() if current.get(key, value) != value}
    least = {key: value for key, value in LEAST.items() if current.get(key, value) < value}
    return exact | least


def _path(key: str) -> Path:
    return Path("/proc/sys", *key.split("."))


def _write(values: dict[str, int]) -> None:
    for key, value in values.items():
        try:
            _path(key).write_text(str(value))
        except OSError as error:
            raise LabError(f"Cannot set sysctl {key} to {value}: {error}. Run as root.") from error


def apply() -> dict[str, int]:
    """Set the machine's values, remembering what they were before the first lab.

    Returns:
        What was written.
    """
    keys = [key for key in (EXACT | LEAST) if _path(key).is_file()]
    current = {key: int(_path(key).read_text()) for key in keys}
    wanted = plan_sysctls(current)
    saved: dict[str, int] = {}
    if SAVED.is_file():
        saved = json.loads(SAVED.read_text(encoding="utf-8"))
    saved = {key: current[key] for key in wanted} | saved
    SAVED.parent.mkdir(parents=True, exist_ok=True)
    partial = SAVED.with_suffix(".new")
    partial.write_text(json.dumps(saved), encoding="utf-8")
    partial.rename(SAVED)
    _write(wanted)
    return wanted


def restore() -> dict[str, int]:
    """Put the machine's values back.

    Returns:
        What was written.
    """
    if not SAVED.is_file():
        return {}
    saved: dict[str, int] = json.loads(SAVED.read_text(encoding="utf-8"))
    _write(saved)
    SAVED.unlink()
    return saved

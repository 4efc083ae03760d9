"""A mirror and one virtual host on a lab instance of their own, and runs of the product on them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from lab.hosts.instance import Instance
from tests.support.instance_site import write_inventory
from tests.support.site import ROOT, Run, command, environment, lab, run_playbook

INSTANCE = Instance("power")
HOST, NUMBER = "vm1", 61
BARE, CONVERGED = "bare", "converged"
# An emulated processor on a busy machine: the deadlines are for the hopeless case only.
BOOT_SECONDS, RUN_SECONDS = 900, 1800
CONVERGE = "playbooks/converge_hosts.yml"
ONLY = ("--limit", HOST, "--tags", "base_os,containerd")
# The lab's inventory says what containers need that share a kernel; this host has its own.
OWN_KERNEL = {
    "base_os_clock_is_shared": False,
    "base_os_kernel_sysctl_runtime_enabled": True,
    "containerd_restrict_oom_score_adj": False,
    "kube_legacy_cgroup_enabled": False,
}


def instance_lab(*arguments: str, timeout: float = BOOT_SECONDS) -> str:
    """Run the lab's command on the instance and return what it printed."""
    return lab("--instance", INSTANCE.name, *arguments, timeout=timeout)


def start() -> str:
    """Boot both hosts on empty disks and fill the mirror; return the inventory.

    The snapshot `bare` holds a mirror that serves and a virtual host as a provider hands it over.
    """
    instance_lab("down", "--purge")
    instance_lab("up", "--topology", "virtual")
    inventory = inventory_of_hosts()
    filled = run_playbook("tests/proofs/power/mirror.yml", inventory=inventory)
    assert filled.returncode == 0, filled.output[-6000:]
    instance_lab("snapshot", BARE)
    return inventory


def inventory_of_hosts() -> str:
    """Write the inventory of the two hosts and return its path."""
    return write_inventory(
        INSTANCE,
        {
            "mirror": {"mirror1": {"number": 10}},
            "kube_control_plane": {},
            "kube_node": {HOST: {"number": NUMBER, **OWN_KERNEL}},
            "absent": {},
        },
    )


def version(number: int) -> dict[str, Any]:
    """Return variables that make a run do something of every kind; each number wants other things.

    Files that exist are replaced and others are new, a package comes and goes, a program is
    installed, and containerd, chrony and journald have to be restarted.
    """
    folder = f"/etc/biomax-power/{number:03}"
    text = f"version {number}\n" * 200
    files = [{"file": f"{folder}/{name:02}.conf", "content": text} for name in range(8)]
    return {
        "base_os_time_networks": [f"192.0.2.{number % 250 + 1}/32"],
        "base_os_journal_max_use": f"{500 + number}M",
        "containerd_concurrent_downloads": 3 + number,
        "base_os_extra_resources": [
            {"file": "/etc/biomax-power/same.conf", "content": text},
            *files,
            {"packages": ["ethtool"], "state": "present" if number % 2 else "absent"},
            {"artifact": "etcdutl", "dest": f"/opt/biomax-power/{number:03}"},
        ],
    }


def _arguments(number: int) -> tuple[str, ...]:
    return (*ONLY, "--extra-vars", json.dumps(version(number)))


def converge(inventory: str, number: int) -> Run:
    """Run the product's playbook to its end with the declarations of `number`."""
    return run_playbook(CONVERGE, *_arguments(number), inventory=inventory, timeout=RUN_SECONDS)


def begin(inventory: str, number: int, log: Path) -> subprocess.Popen[bytes]:
    """Start the same run without waiting; its output goes to `log`."""
    with log.open("w") as output:
        return subprocess.Popen(
            command(CONVERGE, *_arguments(number), inventory=inventory),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def on_virtual_host(script: str, *arguments: str, timeout: float = 600) -> str:
    """Run a Python program on the virtual host by SSH and return its standard output."""
    done = subprocess.run(
        ssh_argv(*arguments),
        input=script,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def ssh_argv(*arguments: str) -> list[str]:
    """Return the command of a Python program on the virtual host; the program comes by stdin."""
    words = [str(ROOT / "lab" / "lab"), "--instance", INSTANCE.name, "ssh", HOST]
    return [*words, "python3", "-u", "-", *arguments]


def leader() -> int:
    """Return the process id of the virtual machine."""
    hosts = json.loads(instance_lab("status", "--json"))["hosts"]
    return int(next(row["leader"] for row in hosts if row["host"] == HOST))


def cut_power(process: int) -> None:
    """End the virtual machine at once."""
    os.kill(process, signal.SIGKILL)


def boot_again() -> None:
    """Start the virtual host on what the power cut left of its disk."""
    instance_lab("power-off", HOST)
    instance_lab("power-on", HOST)

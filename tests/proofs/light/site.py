"""A mirror and six light hosts on a lab instance of their own, and runs of the product on them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.hosts.console import Reporter
from lab.hosts.instance import Instance, Paths
from lab.hosts.machine import Machine
from lab.hosts.operations import Lab
from tests.proofs.light.scenario import OLD
from tests.support.instance_site import write_inventory
from tests.support.inventories import make_state
from tests.support.site import ROOT, Run, command, environment, lab, run_playbook, run_tool

INSTANCE = Instance("kill")
TOPOLOGY = Path(__file__).with_name("topology.yml")
HOSTS = tuple(f"light{number}" for number in range(1, 7))
FIRST_NUMBER = 101
BARE_HOSTS = HOSTS[:2]  # the others are converged in the snapshot from which every case starts
START = "start"
FOLDER = ROOT / ".lab" / "instances" / INSTANCE.name
STATES = FOLDER / "runs"
CONVERGE = "playbooks/converge_hosts.yml"
ONLY = ("--tags", "base_os,containerd")
RUN_SECONDS = 600
Variables = Mapping[str, Any]


def instance_lab(*arguments: str, timeout: float = 300) -> str:
    """Run the lab's command on the instance and return what it printed."""
    return lab("--instance", INSTANCE.name, *arguments, timeout=timeout)


def ready() -> None:
    """Bring up the hosts with snapshot START unless they are up and have it.

    In the snapshot the first two hosts are as a provider hands them over, the others are converged.
    """
    argv = [str(ROOT / "lab" / "lab"), "--instance", INSTANCE.name, "status", "--json"]
    known = run_tool(argv, 60)
    if known.returncode == 0 and START in json.loads(known.stdout)["snapshots"]:
        return
    instance_lab("down", "--purge")
    instance_lab("up", "--topology", str(TOPOLOGY))
    filled = run_playbook("tests/proofs/power/mirror.yml", inventory=inventory({}))
    assert filled.returncode == 0, filled.output[-6000:]
    old = [host for host in HOSTS if host not in BARE_HOSTS]
    first = converge(inventory(dict.fromkeys(old, OLD)), old)
    assert first.returncode == 0, first.output[-6000:]
    instance_lab("snapshot", START)


def reset() -> None:
    """Put every host back to snapshot START and boot it."""
    instance_lab("restore", START)


def inventory(variables: Mapping[str, Variables]) -> str:
    """Write an inventory in which each host has `variables` of its own; return its path."""
    hosts = {
        name: {"number": FIRST_NUMBER + place, **variables.get(name, {})}
        for place, name in enumerate(HOSTS)
    }
    groups = {
        "mirror": {"mirror1": {"number": 10}},
        "kube_control_plane": {},
        "kube_node": hosts,
        "absent": {},
    }
    return write_inventory(INSTANCE, groups)


def converge(path: str, hosts: Sequence[str], *arguments: str, root: Path = ROOT) -> Run:
    """Run the product's playbook on `hosts` to its end.

    Args:
        path: of the inventory.
        hosts: the members.
        arguments: further ones of ansible-playbook.
        root: the checkout to run; another than this one when its code was changed.
    """
    limit = ("--limit", ",".join(hosts))
    return run_playbook(
        CONVERGE, *limit, *ONLY, *arguments, inventory=path, timeout=RUN_SECONDS, root=root
    )


def begin(path: str, host: str, log: Path, root: Path = ROOT) -> subprocess.Popen[bytes]:
    """Start the run of one host, in a process group of its own, its output to `log`.

    Runs of several hosts go on at once, so each is a site with a state directory of its own.
    """
    own = STATES / host
    make_state(own, FOLDER / "ssh")
    state = json.dumps({"site_state_dir": str(own)})
    argv = command(CONVERGE, "--limit", host, *ONLY, "-e", state, inventory=path)
    with log.open("wb") as output:
        return subprocess.Popen(
            argv,
            cwd=root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@cache
def machine(host: str) -> Machine:
    """Return a host, to end it at once and to log in without the lab's command in between."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "biomax-platform"
    whole = Lab(INSTANCE, Paths(ROOT, folder, INSTANCE), Reporter(Console(quiet=True)))
    return whole.machine(whole.running().host(host))


def ssh_argv(host: str, *argv: str) -> list[str]:
    """Return the command that runs `argv` on a host."""
    return machine(host).ssh_argv([shlex.join(argv)])


def on_host(host: str, *argv: str, text: str = "", timeout: float = 120) -> str:
    """Run a program on a host with `text` as its input and return what it printed."""
    done = subprocess.run(
        ssh_argv(host, *argv),
        input=text,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{host}: {' '.join(argv)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def on_hosts(hosts: Sequence[str], *argv: str, text: str = "") -> dict[str, str]:
    """Run one program on several hosts at once and return what each printed."""
    with ThreadPoolExecutor(len(hosts) or 1) as pool:
        printed = pool.map(lambda host: on_host(host, *argv, text=text), hosts)
        return dict(zip(hosts, printed, strict=True))


def power_cycle(hosts: Sequence[str]) -> None:
    """Boot hosts again that were ended."""
    if hosts:
        instance_lab("power-off", ",".join(hosts))
        instance_lab("power-on", ",".join(hosts))


def down() -> None:
    """Take the instance down with everything it left."""
    machine.cache_clear()
    instance_lab("down", "--purge")
    shutil.rmtree(FOLDER, ignore_errors=True)

# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the lab."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lab.hosts import network, state
from lab.hosts.console import Reporter
from lab.hosts.errors import LabError
from lab.hosts.instance import DEFAULT, Instance, Paths
from lab.hosts.machine import Machine, guest_environment
from lab.hosts.operations import Lab
from lab.hosts.state import State
from lab.hosts.topology import load_topology

CHECKOUT = Path(__file__).resolve().parents[2]
JOURNAL_LINES = 200

app = typer.Typer(
    help="Bare Debian hosts on one machine, with no route out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_console = Console()
_instance_name = DEFAULT

HostName = Annotated[str, typer.Argument(metavar="HOST", help="Name of a host.")]
HostNames = Annotated[
    str, typer.Argument(metavar="HOST[,HOST]", help="Names of hosts, with commas between them.")
]
Command = Annotated[list[str] | None, typer.Argument(help="Command to run there.")]
PASS_ON = {"allow_interspersed_args": False}


@app.callback()
def main(
    instance: Annotated[
        str, typer.Option(help="A second lab beside the default one.", envvar="BIOMAX_LAB_INSTANCE")
    ] = DEFAULT,
) -> None:
    """Choose the instance."""
    global _instance_name  # noqa: PLW0603 - typer hands options of the callback to nobody else
    _instance_name = instance


def _lab() -> Lab:
    instance = Instance(_instance_name)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "biomax-platform"
    return Lab(instance, Paths(CHECKOUT, cache, instance), Reporter(_console))


@contextmanager
def _changing() -> Iterator[Lab]:
    """Give the lab to a command that changes it: as root, one at a time, errors as one message."""
    with _reading() as lab:
        if os.geteuid() != 0:
            raise LabError("The lab makes mounts, links and cgroups: run it as root.")
        with state.locked(lab.instance):
            yield lab


@contextmanager
def _reading() -> Iterator[Lab]:
    try:
        yield _lab()
    except LabError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error


def _find(lab: Lab, name: str) -> Machine:
    return lab.machine(lab.running().host(name))


@app.command()
def up(
    topology: Annotated[str, typer.Option(help="Name or path of a topology file.")] = "default",
) -> None:
    """Start all hosts of a topology and wait until SSH answers on each."""
    with _changing() as lab:
        recorded = lab.up(load_topology(topology, lab.paths.topologies))
        lab.report.total(f"{len(recorded.hosts)} hosts up, topology {recorded.topology}")


@app.command()
def down(
    force: Annotated[bool, typer.Option(help="Also a lab of another checkout.")] = False,
    purge: Annotated[bool, typer.Option(help="Remove snapshots, too.")] = False,
) -> None:
    """Remove the lab: no process, mount, link, cgroup, address or table stays."""
    with _changing() as lab:
        removed = lab.down(force=force, purge=purge)
        lab.report.total("lab is down" if removed else "there was no lab")


def _facts(lab: Lab, recorded: State) -> list[dict[str, object]]:
    cut = {host for group in recorded.partitions for host in group}
    rows: list[dict[str, object]] = []
    for host in recorded.hosts:
        machine = lab.machine(host)
        leader = machine.leader()
        rows.append(
            {
                "host": host.name,
                "address": str(machine.address),
                "power": "off" if leader is None else "on",
                "ssh": leader is not None and machine.answers(),
                "partitioned": host.name in cut,
                "leader": leader,
            }
        )
    return rows


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show the lab: hosts, power, SSH, partitions, snapshots, packets that were refused."""
    with _reading() as lab:
        recorded = lab.running()
        rows = _facts(lab, recorded)
        refused = network.refused(lab.instance)
        if as_json:
            keys = {"ssh_key": str(lab.paths.client_key), "known_hosts": str(lab.paths.known_hosts)}
            seen = {
                "refused": refused.packets,
                "outside": refused.outside,
                "names": refused.names,
            }
            whole = {"hosts": rows, **seen, "snapshots": lab.disk.saved(), **keys}
            typer.echo(json.dumps({**json.loads(recorded.model_dump_json()), **whole}))
            return
        table = Table("host", "address", "power", "ssh", "network", box=None)
        for row in rows:
            words = ("yes" if row["ssh"] else "no", "cut off" if row["partitioned"] else "whole")
            table.add_row(str(row["host"]), str(row["address"]), str(row["power"]), *words)
        lab.report.console.print(f"{recorded.describe()}", markup=False)
        lab.report.console.print(table)
        _show_refused(lab, refused)
        lab.report.line(f"snapshots: {', '.join(lab.disk.saved()) or 'none'}")


def _show_refused(lab: Lab, refused: network.Refused) -> None:
    counts = ", ".join(f"{name} {number}" for name, number in refused.packets.items())
    lab.report.line(f"packets refused: {counts}")
    lab.report.line(f"addresses outside: {', '.join(refused.outside) or 'none'}")
    lab.report.line(f"names asked: {', '.join(refused.names) or 'none'}")


@app.command()
def egress(
    reset: Annotated[bool, typer.Option(help="Count anew from now on.")] = False,
) -> None:
    """Show what hosts tried to send out of the lab, and which names they asked for."""
    with _changing() as lab:
        hosts = [host.name for host in lab.running().hosts]
        _show_refused(lab, network.refused(lab.instance))
        if reset:
            network.forget_refused(lab.instance, hosts)


def _words(command: list[str] | None) -> list[str]:
    """Return the command without a leading `--`, by which a user ends the options."""
    words = command or []
    return words[1:] if words[:1] == ["--"] else words


@app.command(context_settings=PASS_ON)
def ssh(host: HostName, command: Command = None) -> None:
    """Log in to a host by SSH, or run a command there."""
    with _reading() as lab:
        argv = _find(lab, host).ssh_argv(_words(command))
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is wanted here


@app.command("exec", context_settings=PASS_ON)
def execute(host: HostName, command: Command = None) -> None:
    """Run a command in a host without its network, as at its console."""
    with _reading() as lab:
        argv = _find(lab, host).exec_argv(_words(command) or ["/bin/bash", "--login"])
        os.execvpe(argv[0], argv, guest_environment())  # noqa: S606 - no shell is wanted here


@app.command("power-off")
def power_off(hosts: HostNames) -> None:
    """End hosts suddenly, as a power cut would; their disks stay."""
    with _changing() as lab:
        ended = lab.power_off(hosts.split(","))
        lab.report.total(f"off: {hosts} ({ended} processes ended)")


@app.command("power-on")
def power_on(hosts: HostNames) -> None:
    """Start hosts that are off, with the disks they had."""
    with _changing() as lab:
        lab.power_on(hosts.split(","))


@app.command()
def partition(hosts: HostNames) -> None:
    """Cut hosts off from all the others; the controller still reaches them."""
    with _changing() as lab:
        lab.cut(hosts.split(","))
        lab.report.total(f"cut off: {hosts}")


@app.command()
def heal() -> None:
    """Undo every partition."""
    with _changing() as lab:
        lab.heal()
        lab.report.total("the network is whole")


@app.command()
def snapshot(name: Annotated[str, typer.Argument()]) -> None:
    """Save the disks of all hosts at one moment."""
    with _changing() as lab:
        lab.snapshot(name)
        lab.report.total(f"snapshot {name} taken")


@app.command()
def restore(name: Annotated[str, typer.Argument()]) -> None:
    """Put the disks of all hosts back to a snapshot and start them."""
    with _changing() as lab:
        lab.restore(name)
        lab.report.total(f"restored {name}")


@app.command()
def forget(name: Annotated[str, typer.Argument()]) -> None:
    """Remove a snapshot."""
    with _changing() as lab:
        lab.forget(name)
        lab.report.total(f"snapshot {name} removed")


@app.command()
def logs(
    host: HostName,
    unit: Annotated[str | None, typer.Argument(help="A systemd unit.")] = None,
    console: Annotated[bool, typer.Option(help="The console's output instead.")] = False,
    lines: Annotated[int, typer.Option(help="How many lines.")] = JOURNAL_LINES,
) -> None:
    """Show the journal of a host, also when it is off."""
    with _reading() as lab:
        machine = _find(lab, host)
        if console:
            text = machine.console.read_text(encoding="utf-8", errors="replace")
            typer.echo("\n".join(text.splitlines()[-lines:]))
            return
        options = ["--no-pager", f"--lines={lines}", *([f"--unit={unit}"] if unit else [])]
        raise typer.Exit(subprocess.run(machine.journal_argv(options), check=False).returncode)

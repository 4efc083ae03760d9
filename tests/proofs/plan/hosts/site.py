"""The hosts of the proof: their inventory, what is declared for them, and rounds on them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lab.hosts.instance import Instance
from tests.proofs.plan.hosts.judge import Outcome
from tests.proofs.plan.hosts.mutation import Mutation, Resource
from tests.support.instance_site import write_inventory
from tests.support.inventories import edited_inventory
from tests.support.site import ROOT, lab, run_playbook, run_tool

HERE = Path(__file__).parent
EXTRAS = HERE / "extras.yml"
CONVERGE = "playbooks/converge_hosts.yml"
NUMBERS = {"mirror1": 10, "cp1": 21, "app1": 31, "ml1": 51}  # as topology.yml has them
# What a played host may still have of this proof.
FORGET = """
systemctl disable --now plan-proof.service plan-proof-idle.service 2>/dev/null
rm -rf /etc/systemd/system/plan-proof*.service /etc/plan-proof* /var/lib/plan-proof*
rm -rf /usr/local/bin/plan-proof-ctr /etc/.plan-proof* /run/plan-proof
rm -f /etc/apt/apt.conf.d/99operator /etc/sysctl.d/50-operator.conf /root/notes
userdel plan-proof; groupdel plan-proof 2>/dev/null
systemctl daemon-reload
"""


@dataclass(frozen=True)
class Site:
    """Hosts that are as declared.

    Attributes:
        inventory: with the proof's extra declarations.
        hosts: those that are mutated.
        folder: where rounds leave their files.
    """

    inventory: str
    hosts: tuple[str, ...]
    folder: Path

    def declared(self) -> dict[str, list[Resource]]:
        """Return what the roles declare for each host, rendered by the product's own code."""
        program = [sys.executable, "-m", "tests.support.render_roles", self.inventory]
        done = run_tool([*program, str(ROOT / ".lab/keys")], 120)
        assert done.returncode == 0, done.stdout
        hosts = json.loads(done.stdout[done.stdout.index("{") :])["hosts"]
        return {host: _unrepeated(hosts[host]) for host in self.hosts}

    @property
    def _limit(self) -> tuple[str, str]:
        return "--limit", ",".join(self.hosts)

    def converge(self) -> None:
        """Bring the hosts to their declared state.

        Raises AssertionError with the end of the output when that fails.
        """
        run = run_playbook(CONVERGE, *self._limit, inventory=self.inventory)
        assert run.returncode == 0, run.output[-6000:]

    def play(
        self,
        mutations: Mapping[str, Sequence[Mutation]],
        watched: Mapping[str, Mapping[str, Any]],
        log: Path,
    ) -> dict[str, Outcome]:
        """Play one round and return what it returned for each host that came to its end.

        Args:
            mutations: what is done to each host.
            watched: units and sysctls that the surveys look at, by host.
            log: the run's output goes there.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for host in self.hosts:
            (self.folder / f"{host}.json").unlink(missing_ok=True)
        variables = {
            "proof_dir": str(self.folder),
            "proof_scripts": {host: script_of(mutations[host]) for host in self.hosts},
            "proof_watched": watched,
        }
        given = self.folder / "variables.json"
        given.write_text(json.dumps(variables))
        arguments = (str(HERE / "round.yml"), *self._limit, "-e", f"@{given}")
        run = run_playbook(*arguments, inventory=self.inventory)
        log.write_text(run.output)
        files = {host: self.folder / f"{host}.json" for host in self.hosts}
        return {
            host: Outcome.from_file(json.loads(path.read_text()))
            for host, path in files.items()
            if path.exists()
        }


def script_of(mutations: Sequence[Mutation]) -> str:
    """Return the commands of all mutations: those first that need the package source."""
    ordered = sorted(mutations, key=lambda mutation: not mutation.early)
    return "\n".join(["set -eu", *(mutation.script for mutation in ordered)])


def watched_of(resources: Sequence[Resource]) -> dict[str, list[str]]:
    """Return the units and the sysctls of the running kernel that are declared."""
    units = [item.name for item in resources if item.kind == "unit"]
    sysctls = [
        key
        for item in resources
        if item.kind == "sysctl" and item.args["runtime"]
        for key in item.args["values"]
    ]
    return {"units": units, "sysctls": sysctls}


def _unrepeated(roles: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Resource]:
    """Return the declarations of all roles, of equal ones the first."""
    found: dict[tuple[str, str], Resource] = {}
    for row in (row for rows in roles.values() for row in rows):
        found.setdefault((row["kind"], row["name"]), Resource.from_row(row))
    return list(found.values())


def own_site(instance: Instance, folder: Path) -> Site:
    """Boot hosts of an instance of the proof's own, or use those that are up, and converge them."""
    command = ("--instance", instance.name, "up", "--topology", str(HERE / "topology.yml"))
    lab(*command, timeout=900)
    groups = {
        "mirror": ("mirror1",),
        "kube_control_plane": ("cp1",),
        "kube_node": ("app1", "ml1"),
        "absent": (),
    }
    inventory = write_inventory(
        instance,
        {
            group: {name: {"number": NUMBERS[name]} for name in names}
            for group, names in groups.items()
        },
    )
    shutil.copy(EXTRAS, Path(inventory).parent / "group_vars/all/zz_proof.yml")
    filled = run_playbook("tests/proofs/power/mirror.yml", inventory=inventory)
    assert filled.returncode == 0, filled.output[-6000:]
    site = Site(inventory, ("cp1", "app1", "ml1"), folder)
    site.converge()
    return site


def formed_site(hosts: tuple[str, ...], folder: Path) -> Site:
    """Use workers of the lab whose cluster stands, and bring the proof's declarations to them."""
    extras = yaml.safe_load(EXTRAS.read_text())
    same = "hosts: {}"  # the inventory's hosts stay as they are
    site = Site(edited_inventory(folder, same, same, **extras), hosts, folder / "round")
    site.converge()
    return site


def forget(site: Site) -> None:
    """Take what only the proof declares off the hosts of the formed lab."""
    for host in site.hosts:
        lab("exec", host, "--", "sh", "-c", f"{FORGET}true")

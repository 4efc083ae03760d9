"""Two bare hosts on a lab instance of their own, what is planted on them, and the end of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.site import command, lab, run_tool

INSTANCE = "explain"
HERE = Path(__file__).parent
MIRROR, MEMBER = "a1", "b1"
APT_SOURCE = "/etc/apt/sources.list.d/biomax-platform.sources"


@dataclass(frozen=True)
class End:
    """The last lines of a failed run.

    Attributes:
        fact: Host and fact.
        rows: The rows below it by their first word.
        output: All that was printed.
    """

    fact: str
    rows: dict[str, str]
    output: str

    @classmethod
    def of(cls, output: str) -> End:
        """Read the end of what a failed run printed."""
        _, mark, end = output.rpartition("\nFIRST CAUSE ")
        assert mark, output
        fact, *rows = end.splitlines()[1:]
        return cls(fact, dict(row.split(maxsplit=1) for row in rows), output)

    def seen(self) -> str:
        """Type the command that the run named, on the controller, and return what it prints."""
        done = run_tool(["bash", "-c", self.rows["see"]], timeout=60)
        return done.stdout


@dataclass(frozen=True)
class Pair:
    """The two hosts.

    Attributes:
        addresses: Address by host.
        inventory: Their inventory.
        state: Directory of the inventory's site_state_dir.
    """

    addresses: Mapping[str, str]
    inventory: Path
    state: Path

    def sh(self, host: str, script: str) -> str:
        """Run a shell script on a host at its console."""
        return lab("--instance", INSTANCE, "exec", host, "--", "sh", "-c", script).strip()

    def run(self, playbook: str, **variables: Any) -> End:
        """Run a playbook that must fail; return its end."""
        argv = command(
            str(HERE / playbook), "-e", json.dumps(variables), inventory=str(self.inventory)
        )
        done = run_tool(argv, timeout=180)
        assert done.returncode != 0, done.stdout
        return End.of(done.stdout)

    def converge(self, *entries: Mapping[str, Any], **variables: Any) -> End:
        """Declare `entries` for the member, which must fail."""
        return self.run("converge.yml", probe_entries=[*entries], **variables)


def write_inventory(folder: Path, status: Mapping[str, Any]) -> Pair:
    """Write the inventory of the two hosts below `folder`."""
    addresses = {row["host"]: row["address"] for row in status["hosts"]}
    known = Path(status["ssh_key"]).parent / "known_hosts"
    children = {
        group: {"hosts": {name: {"ansible_host": addresses[name], "node_address": addresses[name]}}}
        for group, name in (("mirror", MIRROR), ("kube_control_plane", MEMBER))
    }
    variables = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": status["ssh_key"],
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes",
        "site_state_dir": str(folder / "state"),
        "site_domain": "lab.biomax.internal",
    }
    (folder / "state").mkdir()
    path = folder / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"children": children, "vars": variables}}))
    return Pair(addresses, path, folder / "state")

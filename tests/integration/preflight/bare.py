# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty bare hosts on a lab instance of their own, and faults that are planted on them."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.site import ROOT, Run, lab, run_playbook

INSTANCE = "bare"
STATE = ROOT / ".lab/instances" / INSTANCE
CONTROL_PLANES = ("light1", "light2", "light3")
DOMAINS = ("a", "b", "c")


@dataclass(frozen=True)
class BareSite:
    """A site of bare lab hosts.

    Attributes:
        addresses: Address by host.
        inventory: Directory of its inventory.
    """

    addresses: dict[str, str]
    inventory: Path

    def near(self, number: int) -> str:
        """Return the address with another last part in the network of the hosts."""
        return f"{self.addresses['mirror1'].rpartition('.')[0]}.{number}"

    def preflight(self, folder: Path, **changes: Any) -> tuple[Run, dict[str, Any]]:
        """Run preflight with changed variables; return the run and its report."""
        copy = Path(shutil.copytree(self.inventory, folder / "inventory"))
        changes["site_state_dir"] = str(folder / "state")
        (copy / "group_vars/all/zzz_changes.yml").write_text(yaml.safe_dump(changes))
        (folder / "state").mkdir()
        for name, target in (("keys", ".lab/keys"), ("bundle", ".lab/bundle")):
            (folder / "state" / name).symlink_to(ROOT / target)
        (folder / "state/ssh").symlink_to(STATE / "ssh")
        run = run_playbook("playbooks/preflight.yml", inventory=str(copy))
        report: dict[str, Any] = json.loads((folder / "state/preflight.json").read_text())
        return run, report


def write_inventory(folder: Path, addresses: dict[str, str]) -> Path:
    """Make an inventory from that of the lab: three control planes, the rest are workers."""
    copy = Path(shutil.copytree(ROOT / "inventories/lab", folder / "bare"))
    network = addresses["mirror1"].rpartition(".")[0]
    for path in copy.rglob("*.yml"):
        path.write_text(path.read_text().replace("10.77.0.", f"{network}."))
    hosts = {
        name: {
            "node_address": address,
            "ansible_host": address,
            "node_interface": "host0",
            "failure_domain": DOMAINS[number % len(DOMAINS)],
        }
        for number, (name, address) in enumerate(addresses.items())
    }

    def group(names: list[str]) -> dict[str, Any]:
        return {"hosts": {name: hosts[name] for name in names}}

    workers = [name for name in hosts if name not in (*CONTROL_PLANES, "mirror1")]
    children = {
        "mirror": group(["mirror1"]),
        "kube_control_plane": group(list(CONTROL_PLANES)),
        "kube_node": {"children": {"pool_application": group(workers)}},
        "absent": {"hosts": {}},
    }
    (copy / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))
    pool = {"group": "pool_application", "labels": {}, "taints": [], "min": 1, "max": 20}
    pools = {"node_pools": {"application": pool}}
    (copy / "group_vars/all/zz_pools.yml").write_text(yaml.safe_dump(pools))
    return copy


def on_bare(host: str, script: str) -> str:
    """Run a shell script on a host of the instance and return what it printed."""
    return lab("--instance", INSTANCE, "exec", host, "--", "sh", "-c", script)


def plant(scripts: dict[str, str]) -> None:
    """Run one script on each host, several at a time."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda item: on_bare(item[0], item[1]), scripts.items()))

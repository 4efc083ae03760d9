"""Inventories of tests: the lab's with changes, or for hosts of another lab instance.

    .venv/bin/python -m tests.support.inventories NAME FOLDER

writes the inventory of instance NAME; with ``BIOMAX_LAB_INSTANCE=NAME BIOMAX_TEST_SITE=FOLDER``
tests use that site, so that two can live side by side.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.site import INVENTORY, ROOT, STATE, run_tool

DEFAULT_NETWORK = "10.77.0."


def edited_inventory(folder: Path, old: str, new: str, **changes: Any) -> str:
    """Return a copy of the site's inventory with `old` replaced in its hosts and `changes` made."""
    copy = Path(shutil.copytree(ROOT / INVENTORY, folder / "lab"))
    hosts = (copy / "hosts.yml").read_text()
    assert old in hosts
    (copy / "hosts.yml").write_text(hosts.replace(old, new))
    changes["site_state_dir"] = str(STATE)
    (copy / "group_vars/all/zz_changes.yml").write_text(yaml.safe_dump(changes))
    return str(copy)


def lab_status(instance: str) -> dict[str, Any]:
    """Return what `lab status --json` says about an instance that is up."""
    done = run_tool([str(ROOT / "lab/lab"), "--instance", instance, "status", "--json"], 60)
    assert done.returncode == 0, done.stdout
    status: dict[str, Any] = json.loads(done.stdout)
    return status


def write_inventory(
    folder: Path, status: Mapping[str, Any], hosts: Mapping[str, Any] | None = None
) -> str:
    """Write the inventory of an instance below `folder` and return its path.

    Addresses become those of the instance; keys and bundle are the checkout's own; what a run
    leaves on the controller (kubeconfig, report) goes to `folder`/state.

    Args:
        folder: Where to write; what is there is replaced, but not the state of earlier runs.
        status: What `lab status --json` says of the instance.
        hosts: Content of hosts.yml; None takes the lab's own.
    """
    inventory, state = folder / "inventory", folder / "state"
    shutil.rmtree(inventory, ignore_errors=True)
    shutil.copytree(ROOT / "inventories/lab", inventory)
    if hosts is not None:
        (inventory / "hosts.yml").write_text(yaml.safe_dump(hosts, sort_keys=False))
    first, _, _ = str(status["hosts"][-1]["address"]).rpartition(".")
    for path in inventory.rglob("*.yml"):
        path.write_text(path.read_text().replace(DEFAULT_NETWORK, f"{first}."))
    make_state(state, Path(status["ssh_key"]).parent)
    own = {"site_state_dir": str(state)}
    (inventory / "group_vars/all/zz_instance.yml").write_text(yaml.safe_dump(own))
    return str(inventory)


def make_state(state: Path, ssh: Path) -> None:
    """Make the state directory of a site beside the default one.

    What runs leave there (lock, kubeconfig, reports) is its own; keys and bundle are those of the
    checkout.

    Args:
        state: The directory.
        ssh: Directory with the keys of the lab instance.
    """
    state.mkdir(parents=True, exist_ok=True)
    links = {"ssh": ssh} | {name: ROOT / ".lab" / name for name in ("keys", "bundle")}
    for name, target in links.items():
        (state / name).unlink(missing_ok=True)
        (state / name).symlink_to(os.path.relpath(target, state))


if __name__ == "__main__":
    print(write_inventory(Path(sys.argv[2]), lab_status(sys.argv[1])))

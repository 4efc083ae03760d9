"""The lab's inventory for hosts of a lab instance of its own, beside the default one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lab.hosts.instance import Instance
from tests.support.inventories import DEFAULT_NETWORK, make_state
from tests.support.site import INVENTORY, ROOT


def write_inventory(instance: Instance, groups: Mapping[str, Mapping[str, Any]]) -> str:
    """Write an inventory with the lab's group variables and the hosts of an instance.

    Args:
        instance: whose addresses and keys it names.
        groups: group -> host -> its variables; `number` is the last part of its address.

    Returns:
        The path of its hosts file, as `ansible-playbook -i` takes it.
    """
    folder = ROOT / ".lab" / "instances" / instance.name / "inventory"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / INVENTORY / "group_vars", folder / "group_vars")
    prefix = f"{str(instance.network.network_address).removesuffix('0')}"
    for file in (folder / "group_vars").rglob("*.yml"):
        file.write_text(file.read_text().replace(DEFAULT_NETWORK, prefix))
    state = folder.parent / "state"
    make_state(state, folder.parent / "ssh")
    # The last file of a directory wins.
    _write(folder / "group_vars" / "all" / "zz_instance.yml", {"site_state_dir": str(state)})
    children = {
        group: {"hosts": {name: _host(prefix, dict(given)) for name, given in hosts.items()}}
        for group, hosts in groups.items()
    }
    _write(folder / "hosts.yml", {"all": {"children": children}})
    return str(folder / "hosts.yml")


def _host(prefix: str, given: dict[str, Any]) -> dict[str, Any]:
    address = f"{prefix}{given.pop('number')}"
    common = {"node_address": address, "ansible_host": address, "node_interface": "host0"}
    return {**common, "failure_domain": "lab-a", **given}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text("---\n" + yaml.safe_dump(dict(content), sort_keys=False))

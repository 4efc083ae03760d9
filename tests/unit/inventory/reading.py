# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory opened with Ansible's own classes, as a play opens it.

Filters of the collection are not known to Ansible in this process, for pytest has imported them
first; variables that use them are read by `resolved`, in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible_collections.biomax.platform.plugins.plugin_utils.preflight_inventory import (
    InventoryReader,
)

ROOT = Path(__file__).parents[3]
LAB = ROOT / "inventories/lab"


def open_inventory(
    source: Path, host: str = "mirror1", roles: Path = ROOT / "roles"
) -> tuple[InventoryReader, Any, dict[str, Any]]:
    """Open an inventory from the point of view of one host.

    Returns:
        The reader that preflight uses, a templar, and the host's variables.
    """
    loader = DataLoader()
    loader.set_basedir(str(ROOT))
    inventory = InventoryManager(loader=loader, sources=[str(source)])
    manager = VariableManager(loader=loader, inventory=inventory)
    hostvars = HostVars(inventory=inventory, variable_manager=manager, loader=loader)
    variables = manager.get_vars(host=inventory.get_host(host))
    variables |= {"hostvars": hostvars, "ansible_inventory_sources": [str(source)]}
    templar = Templar(loader=loader, variables=variables)
    return InventoryReader(loader, templar, variables, [roles]), templar, variables


def resolved(host: str, *names: str, source: Path = LAB, defaults: str = "") -> dict[str, Any]:
    """Let Ansible resolve variables of a host of an inventory; no host is asked.

    Args:
        host: Name of the host.
        names: Names of the variables.
        source: The inventory.
        defaults: A role whose defaults count, before what the inventory sets.
    """
    template = "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}"
    command = [
        str(Path(sys.executable).with_name("ansible")),
        host,
        "-i",
        str(source),
        "--one-line",
    ]
    if defaults:
        command.append(f"--extra-vars=@roles/{defaults}/defaults/main.yml")
    done = subprocess.run(
        [*command, "-c", "local", "-m", "ansible.builtin.debug", "-a", f"msg={template}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    values: dict[str, Any] = json.loads(json.loads(done.stdout.partition("=> ")[2])["msg"])
    return values

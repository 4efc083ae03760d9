"""Render every declaration of every host role for every host of an inventory, as the engine does.

A program of its own (`python -m tests.support.render_roles`), because Ansible's collection loader
and pytest's imports do not share one process well. Prints JSON: host -> role -> entries.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.loader import init_plugin_loader

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "playbooks" / "vars" / "host_layer.yml"
PEM = "-----BEGIN TEST-----\nAAAA\n-----END TEST-----"
# What an inventory reads from files that a clean checkout does not have.
SECRETS = {
    "mirror_ca_certificate": PEM,
    "mirror_tls_certificate": PEM,
    "mirror_tls_key": PEM,
    "bundle_apt_key": PEM,
    "bundle_public_key": "ssh-ed25519 AAAA test",
    "escrow_recipient": "age1test",
}


def main(inventory: str) -> None:
    """Print the declarations of all roles for all hosts of `inventory`."""
    init_plugin_loader([str(ROOT / "collections")])
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415 - after the loader
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415 - after the loader
    from ansible.vars.hostvars import HostVars  # noqa: PLC0415 - after the loader
    from ansible.vars.manager import VariableManager  # noqa: PLC0415 - after the loader

    loader = DataLoader()
    hosts = InventoryManager(loader=loader, sources=[inventory])
    manager = VariableManager(loader=loader, inventory=hosts)
    peers = {"hostvars": HostVars(inventory=hosts, variable_manager=manager, loader=loader)}
    layer = loader.load_from_file(str(LAYER), trusted_as_template=True)
    result = {}
    for host in hosts.get_hosts():
        variables = {**layer, **manager.get_vars(host=host), **peers, **SECRETS}
        result[host.name] = _host(loader, variables)
    sys.stdout.write(json.dumps(result))


def _host(loader: Any, variables: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return what each role of the host declares; the site's playbook says which roles it has."""
    from ansible.template import Templar  # noqa: PLC0415 - after the loader

    kind = "mirror" if "mirror" in variables["group_names"] else "member"
    chosen = Templar(loader=loader, variables=variables).template(
        variables[f"host_layer_{kind}_roles"]
    )
    roles = [ROOT / "roles" / name for name in chosen]
    for role in roles:
        path = str(role / "defaults" / "main.yml")
        variables = {**(loader.load_from_file(path, trusted_as_template=True) or {}), **variables}
    return {role.name: _rendered(role, loader, variables) for role in roles}


def _rendered(role: Path, loader: Any, variables: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a role, arguments checked, as the engine would send them."""
    from ansible.template import Templar  # noqa: PLC0415 - after the loader
    from ansible_collections.biomax.platform.plugins.plugin_utils.role_files import (  # noqa: PLC0415 - after the loader
        RoleFiles,
    )
    from ansible_collections.biomax.platform.plugins.plugin_utils.role_render import (  # noqa: PLC0415 - after the loader
        RoleRenderer,
    )
    from ansible_collections.biomax.platform.plugins.plugin_utils.role_specs import (  # noqa: PLC0415 - after the loader
        check_arguments,
    )

    templar = Templar(loader=loader, variables=variables)
    files = RoleFiles(role.name, role)
    check_arguments(files, templar, loader, variables)
    renderer = RoleRenderer(files, templar, loader, variables)
    return [item.as_dict() for item in renderer.declarations()]


if __name__ == "__main__":
    main(sys.argv[1])
